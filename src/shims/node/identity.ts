/** Who the code in this pod is, if it is anybody: its tokens, and what it reaches with them. */
import type { Agent } from 'node:https';
import { setIdentity } from '../../sdk/identity.ts';
import { type Store, StoreError, storeOver, type SendToStore } from '../../sdk/store.ts';
import type { Identity, Listener, Specialize, Tokens } from '../../wire/protocol.ts';

/** How long the platform may take for a request of the store (ms). */
const PATIENCE = 30_000;

export class PodIdentity {
  readonly store: Store;
  #tokens: Tokens;

  constructor(claim: Specialize, { platform, kubernetes, tokens }: Identity) {
    this.#tokens = tokens;
    this.store = this.#store(claim.namespace, platform);
    setIdentity({ namespace: claim.namespace, gateway: claim.gatewayUrl, platform, kubernetes, token: (of) => this.#tokens[of] });
  }

  /** The latest count, in whatever order they come. */
  renew(tokens: Tokens): void {
    if (tokens.issuedAt > this.#tokens.issuedAt) this.#tokens = tokens;
  }

  get credentials(): { readonly authorization: string } {
    return { authorization: `Bearer ${this.#tokens.gateway}` };
  }

  #store(namespace: string, { url, ca }: Listener): Store {
    let agent: Agent | undefined;
    const send: SendToStore = async (asked) => {
      const { method, path, headers, body } = asked;
      // Loaded when it is needed: it would cost every cold start.
      const { Agent: HttpsAgent, request } = await import('node:https');
      agent ??= new HttpsAgent({ keepAlive: true, maxSockets: 16, ...(ca !== undefined && { ca }) });
      const options = {
        method,
        agent,
        headers: {
          ...headers,
          authorization: `Bearer ${this.#tokens.platform}`,
          ...(body && { 'content-length': String(body.length) }),
        },
        signal: AbortSignal.timeout(PATIENCE),
      };
      return new Promise((resolve, reject) => {
        const unreachable = (error: Error): void => reject(new StoreError('Unavailable', `the platform does not answer: ${error.message}`));
        const outgoing = request(`${url}/v1/namespaces/${encodeURIComponent(namespace)}/store${path}`, options, (answer) => {
          const parts: Buffer[] = [];
          answer.on('data', (part: Buffer) => parts.push(part));
          answer.on('error', unreachable);
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) }));
        });
        outgoing.on('error', (error: NodeJS.ErrnoException) => {
          // A kept connection that the other side has just closed. With a condition nobody could tell whether it was met by ourselves.
          const mayRepeat = outgoing.reusedSocket && error.code === 'ECONNRESET' && !('if-match' in headers || 'if-none-match' in headers);
          if (mayRepeat) resolve(send(asked));
          else unreachable(error);
        });
        outgoing.end(body);
      });
    };
    return storeOver(send);
  }
}

/** What code without an identity is told. */
export const nobody = (name: string): StoreError =>
  new StoreError('Forbidden', `the function "${name}" has no identity`, 'declare what it may do in `permissions` of its spec');

/** A store that refuses everything, so that its use is what fails and not the look at `context.store`. */
export function noStore(name: string): Store {
  const refuse = (): Promise<never> => Promise.reject(nobody(name));
  return { get: refuse, read: refuse, set: refuse, delete: refuse, list: refuse };
}
