import { createHttpClient, type HttpKubeClient } from '../../kube/http/client.ts';
import type { ConnectOptions } from '../find.ts';
import { connect, ownPlatform, type Platform } from '../platform.ts';
import { KubeNamespace } from './namespace.ts';

/**
 * A cluster's API: the program's own, with nothing registered anywhere, or another.
 *
 * @example
 * const k = await Kube.load();
 * const here = k.namespace();
 * await here.createJob({ metadata: { name: 'tidy' }, spec: { template: { spec: { restartPolicy: 'Never', containers: [tidy] } } } });
 * const [job] = await here.listJobs('tidy');
 */
export class Kube {
  /** For messages: which cluster it is. */
  readonly where: string;
  /** Any kind, watches, patches: the port that the methods of a namespace use. */
  readonly client: HttpKubeClient;
  readonly #own: string;

  private constructor({ where, namespace, kube }: Pick<Platform, 'where' | 'namespace' | 'kube'>) {
    this.where = where;
    this.client = kube;
    this.#own = namespace;
  }

  /**
   * The cluster that the program runs in, the one that options say, or the RemoteCluster of that name in the program's namespace.
   * Nothing is asked of it yet.
   *
   * @throws TsumugiError `NotFound` or `Invalid` where it cannot be found or its kubeconfig not be used.
   */
  static async load(cluster?: string | ConnectOptions): Promise<Kube> {
    if (typeof cluster !== 'string') return new Kube(cluster === undefined ? await ownPlatform() : await connect(cluster));
    const [{ kube, namespace }, { findRemoteCluster, remoteConnection }] = await Promise.all([
      ownPlatform(),
      import('../../kube/remote.ts'),
    ]);
    const connection = await remoteConnection(kube, await findRemoteCluster(kube, namespace, cluster));
    return new Kube({ where: `RemoteCluster "${cluster}"`, namespace: connection.namespace, kube: createHttpClient(connection) });
  }

  /** Default: the program's own. */
  namespace(name: string = this.#own): KubeNamespace {
    return new KubeNamespace(this.client, name);
  }

  /** As `v1.36.3`. */
  async version(): Promise<string> {
    return (JSON.parse(await this.client.raw('/version')) as { gitVersion: string }).gitVersion;
  }
}
