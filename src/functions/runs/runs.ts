/** Functions as runs in pods of their own need them. On every controller; the leader alone makes the pods. */
import { TsumugiError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Pod, PodSpec } from '../../resources/builtin/pod-types.ts';
import type { PodFields } from '../../resources/pod-fields.ts';
import type { RevisionResource } from '../../resources/revision.ts';
import type { Identity } from '../../wire/protocol.ts';
import type { OwnRun } from '../../wire/protocol.ts';
import type { PackageCache } from '../activator/packages.ts';
import type { Bearer } from '../identity/renewer.ts';
import { checkVolumes, type EnvironmentSpec, resolveConfig } from '../model/environment.ts';
import type { PlatformKeys } from '../model/keys.ts';
import { ownPodFields } from '../model/names.ts';
import { type KubernetesPods, poolPod } from '../model/pod-template.ts';
import { poolOf } from '../model/pools.ts';
import type { FunctionsState } from '../state.ts';
import { RunConnection } from './connection.ts';
import { type CallTarget, resolveCall } from './names.ts';

/** What a run adds to what its function has: variables win over the function's own of the same name. */
export type RunSettings = EnvironmentSpec & Pick<PodFields, 'resources'>;

/** The call that a pod of its own is for. */
export interface RunCall {
  readonly namespace: string;
  readonly revision: string;
  readonly run: OwnRun;
  readonly settings: RunSettings;
}

export interface FunctionRuns {
  /** Which export of which function a name means. Throws NotFound, or Invalid that lists what could be meant. */
  resolve(namespace: string, name: string): CallTarget;
  /** The pod in which the function would run now. Throws NotFound, and NoInstance where the function or what it needs is not ready. */
  podFor(namespace: string, functionName: string, settings: RunSettings): Promise<{ readonly revision: string; readonly spec: PodSpec }>;
  /** Hands the call to its pod, unless it has one. Rejects with Unavailable while the pod cannot be reached, with NotFound where the code, a Secret or a ConfigMap is missing. */
  call(pod: Pod, call: () => Promise<RunCall>): Promise<RunConnection>;
  /** Pods that are connected: their tokens end before a long run does. */
  bearers(): readonly Bearer[];
}

export interface FunctionRunsOptions {
  readonly client: KubeClient;
  readonly state: FunctionsState;
  readonly packages: PackageCache;
  readonly keys: PlatformKeys;
  readonly addressOf: (pod: Pod) => string | undefined;
  readonly gatewayUrl: string;
  readonly identityOf: (revision: RevisionResource) => Promise<Identity | undefined>;
  /** Of its pods, as the nodes know it. */
  readonly imageOf: (spec: RevisionResource['spec']) => string;
  readonly kubernetes: KubernetesPods | undefined;
  readonly epoch: number;
  readonly loadTimeoutMs: number;
  readonly log: Log;
}

export function functionRuns(options: FunctionRunsOptions): FunctionRuns {
  const { client, state, packages, keys, addressOf, kubernetes, epoch, loadTimeoutMs, log } = options;

  const revisionOf = (namespace: string, name: string): RevisionResource => {
    const revision = state.revisions.get(`${namespace}/${name}`);
    if (!revision) throw new TsumugiError('NotFound', `revision "${name}" does not exist in namespace ${namespace} (any more)`);
    return revision;
  };

  const connected = new Map<RunConnection, Bearer>();
  const connect = async (address: string, { metadata: { uid = '', name } }: Pod): Promise<RunConnection> => {
    const connection = await RunConnection.open(address, uid, keys.signing, log);
    for (const each of connected.keys()) if (!each.isOpen) connected.delete(each);
    let revision: RevisionResource | undefined;
    connected.set(connection, {
      uid,
      name,
      // Once it is known it is kept: a run may outlive the revision.
      get revision() {
        return (revision ??= connection.claim && state.revisionByUid(connection.claim.revisionUid));
      },
      renew: (tokens) => connection.renew(tokens),
    });
    return connection;
  };

  return {
    bearers: () => [...connected].flatMap(([connection, bearer]) => (connection.isOpen ? [bearer] : [])),

    resolve: (namespace, name) => resolveCall(state.functions.byIndex('namespace', namespace), name),

    async podFor(namespace, functionName, settings) {
      const object = state.functions.get(`${namespace}/${functionName}`);
      if (!object) throw new TsumugiError('NotFound', `function "${functionName}" does not exist in namespace ${namespace}`);
      const name = object.status?.latestReadyRevision;
      if (name === undefined)
        throw new TsumugiError('NoInstance', `function "${functionName}" is not ready`, {
          hint: `see why: tsumugi function describe ${functionName} -n ${namespace}`,
        });
      const { spec, metadata } = revisionOf(namespace, name);
      const hopeless = state.whyNoPods(spec);
      const runtime = state.runtimes.get(spec.runtime);
      if (hopeless !== undefined || !runtime) throw new TsumugiError('NoInstance', hopeless ?? `Runtime "${spec.runtime}" does not exist`);
      await checkVolumes(client, namespace, spec);
      const fields = { ...spec, ...(settings.resources && { resources: settings.resources }) };
      const pool = { ...poolOf({ metadata, spec: fields }), pod: ownPodFields(fields) };
      return { revision: name, spec: poolPod(pool, runtime, kubernetes).spec };
    },

    async call(pod, ask) {
      const uid = pod.metadata.uid ?? '';
      const address = addressOf(pod);
      if (address === undefined) throw new TsumugiError('Unavailable', `pod ${pod.metadata.name} has no address yet`);
      const connection = await connect(address, pod);
      if (connection.isClaimed) return connection;
      try {
        const { namespace, revision: name, run, settings } = await ask();
        const revision = revisionOf(namespace, name);
        const { metadata, spec } = revision;
        const [tar, config, identity] = await Promise.all([
          packages.get(spec.source.package),
          resolveConfig(client, namespace, withSettings(spec, settings)),
          options.identityOf(revision),
        ]);
        const head = {
          revisionUid: metadata.uid ?? '',
          epoch,
          namespace,
          function: spec.function,
          revision: name,
          package: spec.source.package,
          // The call names its export; a function without the one for requests can be called, too.
          handler: '',
          ...config,
          concurrency: 1,
          run,
          timeoutSeconds: spec.timeoutSeconds,
          token: keys.tokenFor(uid, epoch),
          gatewayUrl: options.gatewayUrl,
          image: options.imageOf(spec),
          ...(identity && { identity }),
        };
        await connection.begin(head, tar, loadTimeoutMs);
        return connection;
      } catch (error) {
        connection.close();
        throw error;
      }
    },
  };
}

function withSettings(spec: EnvironmentSpec, { env = [], secrets = [], configMaps = [] }: RunSettings): EnvironmentSpec {
  return {
    env: [...(spec.env ?? []), ...env],
    secrets: [...new Set([...(spec.secrets ?? []), ...secrets])],
    configMaps: [...new Set([...(spec.configMaps ?? []), ...configMaps])],
  };
}
