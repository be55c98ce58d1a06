/** Speaking to a registry (OCI distribution API): one repository, who we are, and what its errors mean. */
import { TsumugiError, toError } from '../../base/errors.ts';
import type { RegistryCredentials } from './credentials.ts';

export interface RegistryOptions {
  /** `registry.local:5000`. */
  readonly host: string;
  /** `team/tsumugi/node`. */
  readonly repository: string;
  readonly credentials?: RegistryCredentials | undefined;
  /** Plain HTTP. Loopback addresses have it always. */
  readonly insecure?: boolean;
}

export interface RegistryRequest {
  readonly method: 'HEAD' | 'POST' | 'PUT';
  /** Below `/v2/REPOSITORY/`, or a whole URL that the registry gave. */
  readonly path: string;
  readonly contentType?: string;
  readonly body?: Uint8Array;
  /** What may be answered; anything else is thrown. */
  readonly expect: readonly number[];
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** What was asked: addresses in the headers start from it. */
  readonly url: URL;
}

const loopback = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/;

export class Registry {
  readonly #options: RegistryOptions;
  readonly #origin: string;
  #authorization: string | undefined;
  /** What a token must allow: ours, and whatever the registry has asked for since. */
  readonly #scopes: Set<string>;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#scopes = new Set([`repository:${options.repository}:pull,push`]);
    const { host, insecure = false } = options;
    this.#origin = `${insecure || loopback.test(host) ? 'http' : 'https'}://${host === 'docker.io' ? 'registry-1.docker.io' : host}`;
  }

  /** One request; once more, with credentials, where the registry asks for them. The body is read and dropped. */
  async send(request: RegistryRequest): Promise<Answer> {
    const url = new URL(request.path, `${this.#origin}/v2/${this.#options.repository}/`);
    let response = await this.#fetch(url, request);
    const challenge = response.headers.get('www-authenticate');
    if (response.status === 401 && challenge !== null) {
      await response.body?.cancel();
      this.#authorization = await this.#authorize(challenge);
      if (this.#authorization !== undefined) response = await this.#fetch(url, request);
    }
    const text = await response.text();
    if (request.expect.includes(response.status)) return { status: response.status, headers: response.headers, url };
    throw this.#failure(response.status, text);
  }

  async #fetch(url: URL, { method, contentType, body }: RegistryRequest): Promise<Response> {
    // An upload may go to a store elsewhere, which our password does not concern.
    const authorization = url.origin === this.#origin ? this.#authorization : undefined;
    return this.#reach(url, {
      method,
      headers: { ...(authorization ? { authorization } : {}), ...(contentType ? { 'content-type': contentType } : {}) },
      ...(body ? { body } : {}),
    });
  }

  async #reach(url: URL, init: RequestInit): Promise<Response> {
    try {
      return await fetch(url, init);
    } catch (error) {
      const why = toError((error as Error).cause ?? error).message;
      throw new TsumugiError('Unavailable', `the registry at ${url.origin} does not answer: ${why}`, {
        ...(url.protocol === 'https:' ? { hint: 'does it speak plain HTTP? then add --insecure' } : {}),
        cause: error,
      });
    }
  }

  /** What the challenge asks for: our password, or a token that another server gives for it. Undefined: we have nothing to show. */
  async #authorize(challenge: string): Promise<string | undefined> {
    const { credentials } = this.#options;
    const basic = credentials && `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
    if (!/^bearer /i.test(challenge)) return basic;
    const field = (name: string): string | undefined => new RegExp(`\\b${name}="([^"]*)"`, 'i').exec(challenge)?.[1];
    const realm = field('realm');
    if (realm === undefined || !URL.canParse(realm))
      throw new TsumugiError('Unavailable', `the registry asks for a token, but not where to get it: ${challenge}`);
    const url = new URL(realm);
    const service = field('service');
    if (service !== undefined) url.searchParams.set('service', service);
    for (const scope of field('scope')?.split(' ') ?? []) this.#scopes.add(scope);
    for (const scope of this.#scopes) url.searchParams.append('scope', scope);
    const response = await this.#reach(url, { headers: basic ? { authorization: basic } : {} });
    const text = await response.text();
    if (!response.ok) throw this.#failure(response.status, text);
    const { token, access_token: accessToken } = JSON.parse(text) as { token?: string; access_token?: string };
    return `Bearer ${token ?? accessToken ?? ''}`;
  }

  #failure(status: number, body: string): TsumugiError {
    const { host, repository, credentials } = this.#options;
    const said = messageOf(body);
    if (status === 401 || status === 403) {
      const who = credentials ? `the user "${credentials.username}"` : 'anonymous users';
      return new TsumugiError(
        status === 401 ? 'Unauthorized' : 'Forbidden',
        `the registry ${host} lets ${who} not write to ${repository}${said}`,
        {
          hint: 'name a Secret with the right password (--registry-secret), or log in with `docker login`',
        },
      );
    }
    return new TsumugiError('Unavailable', `the registry ${host} answered ${status} for ${repository}${said}`);
  }
}

/** The registry's own words, where the body has them. */
function messageOf(body: string): string {
  try {
    const { errors = [] } = JSON.parse(body) as { errors?: { message?: string }[] };
    const words = errors.flatMap(({ message }) => message ?? []).join('; ');
    return words && `: ${words}`;
  } catch {
    return '';
  }
}
