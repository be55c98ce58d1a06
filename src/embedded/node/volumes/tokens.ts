/** Tokens of a pod's ServiceAccount, bound to the pod; asked for anew when four fifths of their time are over. */
import type { KubeClient } from '../../../kube/client.ts';
import type { Pod } from '../../../resources/builtin/pod-types.ts';
import type { TokenRequest } from '../../../resources/builtin/reviews.ts';
import { isNotFound } from '../../../resources/object.ts';
import { serviceAccounts } from '../../../resources/resources.ts';
import { MountError } from './mount-error.ts';

/** However long a token lives, it is no older than this. */
const oldestMs = 24 * 3600_000;
const usualSeconds = 3600;

export class TokenSource {
  readonly #client: KubeClient;
  readonly #issued = new Map<string, { readonly token: string; readonly renewAt: number }>();

  constructor(client: KubeClient) {
    this.#client = client;
  }

  async token(pod: Pod, audience = '', expirationSeconds = usualSeconds): Promise<string> {
    const { namespace = '', name: podName, uid = '' } = pod.metadata;
    const name = pod.spec.serviceAccountName ?? 'default';
    const key = JSON.stringify([name, audience, expirationSeconds]);
    const known = this.#issued.get(key);
    if (known && known.renewAt > Date.now()) return known.token;
    const wish = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: { name, namespace },
      spec: {
        ...(audience !== '' && { audiences: [audience] }),
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: podName, uid },
      },
    } as unknown as TokenRequest;
    const { status } = await this.#client.create(serviceAccounts, wish, { subresource: 'token' }).catch((error: unknown) => {
      if (isNotFound(error)) throw new MountError(`failed to fetch token: ${(error as Error).message}`);
      throw error;
    });
    const token = status?.token ?? '';
    this.#issued.set(key, { token, renewAt: Date.now() + Math.min(expirationSeconds * 800, oldestMs) });
    return token;
  }
}
