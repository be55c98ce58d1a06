import type { KubeClient } from '../../kube/client.ts';

/** The client with some of its methods replaced. */
export function overriding(client: KubeClient, own: Partial<KubeClient>): KubeClient {
  return {
    get: (...args) => client.get(...args),
    list: (...args) => client.list(...args),
    watch: (...args) => client.watch(...args),
    raw: (...args) => client.raw(...args),
    create: (...args) => client.create(...args),
    update: (...args) => client.update(...args),
    patch: (...args) => client.patch(...args),
    delete: (...args) => client.delete(...args),
    ...own,
  };
}
