/**
 * The platform API as gateways reach it: over a unix socket (`unix:/path`, one machine), or at every replica behind one or more URLs
 * (`https://tsumugi-controllers.tsumugi-system.svc:6441`; commas between several). A host name is resolved again and again, a
 * connection goes to an address, and the certificate is checked for the name.
 */
import { createHash } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { toError, TsumugiError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { addressOptions } from './instance.ts';

/** What a gateway shows, and the PEM of the CA that it believes. */
export interface PlatformCredentials {
  readonly token: string;
  readonly ca: string;
}

export interface ReplicasOptions {
  /** `unix:/path`, `tcp:host:port`, or `https://host:port[,https://host:port]`. */
  readonly address: string;
  /** For `https`; asked again now and then, so that what is mounted may change. */
  readonly credentials?: () => Promise<PlatformCredentials>;
  readonly log: Log;
  /** All addresses of a host name. Default: the system's resolver. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

/** One process that serves the platform API. */
export interface Replica {
  readonly name: string;
  readonly target: RequestOptions;
  readonly headers: Readonly<Record<string, string>>;
  readonly secure: boolean;
}

/** How long what the resolver said is used. */
const resolveEveryMs = 3000;
/** One that failed is asked after all others for so long. */
const avoidMs = 5000;
/** Another is asked when one does not even take the connection: a pod that is gone answers nothing. */
const connectMs = 2000;

/**
 * @example
 * for (const replica of await replicas.inOrder(revisionUid)) { … replicas.request(replica, { path }, onAnswer) … }
 */
export class Replicas {
  readonly #options: ReplicasOptions;
  readonly #failedAt = new Map<string, number>();
  #known: readonly Replica[] = [];
  #knownAt = -Infinity;
  #refreshing: Promise<void> | undefined;
  #agent: HttpAgent | HttpsAgent;

  constructor(options: ReplicasOptions) {
    this.#options = options;
    // Kept while they are used: to connect is a tenth of a cold start. Idle ones keep no process alive.
    this.#agent = new HttpAgent({ keepAlive: true });
    const { address } = options;
    if (address.startsWith('https:')) parseUrls(address);
    else this.#known = [{ name: address, target: localTarget(address), headers: {}, secure: false }];
  }

  /** All known: the same key prefers the same replica, those that just failed come last. Throws Unavailable when none is known. */
  async inOrder(key: string): Promise<readonly Replica[]> {
    if (this.#options.address.startsWith('https:')) await this.#fresh();
    if (this.#known.length < 2) return this.#known;
    const now = performance.now();
    return this.#known
      .map((replica) => ({
        replica,
        avoided: now - (this.#failedAt.get(replica.name) ?? -Infinity) < avoidMs,
        rank: createHash('sha256').update(`${key}\0${replica.name}`).digest('hex'),
      }))
      .toSorted((a, b) => Number(a.avoided) - Number(b.avoided) || (a.rank < b.rank ? -1 : 1))
      .map(({ replica }) => replica);
  }

  /** It did not answer as it should: others first, and the resolver is asked again. */
  failed(replica: Replica): void {
    this.#failedAt.set(replica.name, performance.now());
    this.#knownAt = -Infinity;
  }

  /** `own`: a connection for this request alone. */
  request(
    replica: Replica,
    options: RequestOptions & { readonly own?: boolean },
    onAnswer: (answer: IncomingMessage) => void,
  ): ClientRequest {
    const { own = false, ...rest } = options;
    const headers = { ...(rest.headers as Record<string, string | number> | undefined), ...replica.headers };
    const agent = own ? false : this.#agent;
    const made = (replica.secure ? httpsRequest : httpRequest)({ ...rest, ...replica.target, headers, agent }, onAnswer);
    made.once('socket', (socket) => {
      if (!socket.connecting) return;
      const timer = setTimeout(() => made.destroy(new Error(`${replica.name} took no connection within ${connectMs} ms`)), connectMs);
      socket.once(replica.secure ? 'secureConnect' : 'connect', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
    });
    return made;
  }

  /** Resolves when it answers anything, on a connection of its own; rejects when it does not, in 2 s. */
  checkLife(replica: Replica): Promise<void> {
    return new Promise((resolve, reject) => {
      const asking = this.request(replica, { path: '/', own: true }, (answer) => {
        answer.resume();
        resolve();
      });
      asking.setTimeout(connectMs, () => asking.destroy(new Error(`${replica.name} is silent`)));
      asking.on('error', reject);
      asking.end();
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  async #fresh(): Promise<void> {
    if (performance.now() - this.#knownAt < resolveEveryMs) return;
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined));
    // What is known is good enough to go on with; only the first one waits.
    if (this.#known.length === 0) await this.#refreshing;
  }

  async #refresh(): Promise<void> {
    const { address, log, credentials, resolve = systemResolve } = this.#options;
    try {
      const { token, ca } = (await credentials?.()) ?? { token: '', ca: '' };
      if (!(this.#agent instanceof HttpsAgent)) this.#agent = new HttpsAgent({ keepAlive: true });
      const found = await Promise.all(
        parseUrls(address).map(async ({ host, port }) =>
          (isIP(host) ? [host] : await resolve(host)).map((ip) => ({
            name: `${ip}:${port}`,
            secure: true,
            headers: { host: `${host}:${port}`, authorization: `Bearer ${token}` },
            target: {
              host: ip,
              port,
              ca,
              ...(!isIP(host) && { servername: host }),
            },
          })),
        ),
      );
      const known = new Map(found.flat().map((replica) => [replica.name, replica]));
      if (known.size > 0) this.#known = [...known.values()];
      this.#knownAt = performance.now();
      for (const name of this.#failedAt.keys()) if (!known.has(name)) this.#failedAt.delete(name);
    } catch (thrown) {
      const error = toError(thrown);
      log.warn({ address, error: error.message }, 'the controllers could not be looked up; those known are used on');
      if (this.#known.length === 0)
        throw new TsumugiError('Unavailable', `the controllers could not be looked up: ${error.message}`, { retryAfterSeconds: 1 });
      // Not again with each request.
      this.#knownAt = performance.now() - resolveEveryMs + 500;
    }
  }
}

const systemResolve = async (host: string): Promise<readonly string[]> => (await lookup(host, { all: true })).map(({ address }) => address);

function localTarget(address: string): RequestOptions {
  const options = addressOptions(address);
  return 'path' in options ? { socketPath: options.path } : { host: options.host ?? '', port: options.port ?? 0 };
}

function parseUrls(address: string): readonly { readonly host: string; readonly port: number }[] {
  return address.split(',').map((each) => {
    const url = URL.canParse(each.trim()) ? new URL(each.trim()) : undefined;
    if (url?.protocol !== 'https:' || url.pathname !== '/' || url.search !== '')
      throw new TsumugiError('Invalid', `"${each}" is no address of the platform API`, {
        hint: 'as https://tsumugi-controllers.tsumugi-system.svc:6441',
      });
    return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 443) };
  });
}
