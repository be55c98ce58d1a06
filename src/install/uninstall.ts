/** Takes the platform off a cluster. What users declared, and the kinds it is of, goes only where that is asked for. */
import { getIfThere } from '../kube/get.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { TsumugiError } from '../base/errors.ts';
import { label } from '../functions/model/names.ts';
import { ownLabels } from '../functions/model/network-policy.ts';
import { runFinalizer } from '../jobs/declared/executions.ts';
import { label as runLabel } from '../jobs/pods/labels.ts';
import type { ListOptions } from '../kube/client.ts';
import type { HttpKubeClient } from '../kube/http/client.ts';
import { ApiError, isNotFound, type KubeObject, type Resource } from '../resources/object.ts';
import { configMaps, executions, jobs, namespaces, pods, secrets } from '../resources/resources.ts';
import { fieldManager } from './apply.ts';
import { foreignObjects } from './foreign.ts';
import { definitionsResource, deployments, installedKinds, leases } from './kinds.ts';
import { definitions } from './manifests.ts';
import { names, ownSelector, secretNames } from './parts.ts';

export interface UninstallOptions {
  /** The system namespace. */
  readonly namespace: string;
  /** The definitions too, and with them every Function, Route, Revision and Runtime. */
  readonly data: boolean;
  /** How long to wait for pods to end. Default 120. */
  readonly timeoutSeconds?: number;
  readonly clock?: Clock;
}

export interface Uninstalled {
  /** Kind -> how many objects. */
  readonly removed: ReadonlyMap<string, number>;
  /** `Kind/name` of what keeps the system namespace; empty: the namespace is gone, or never was. */
  readonly foreign: readonly string[];
}

/** Resolves when nothing of it is left; safe to run again. */
export async function uninstall(client: HttpKubeClient, options: UninstallOptions): Promise<Uninstalled> {
  const { namespace, data } = options;
  const removed = new Map<string, number>();
  const ours = { labelSelector: ownSelector };
  const remove = async (resource: Resource, list: ListOptions, keep: (object: KubeObject) => boolean = () => false): Promise<void> => {
    const { items } = await listed(client, resource, list);
    const going = items.filter((object) => !keep(object));
    await Promise.all(going.map((object) => removeOne(client, resource, object)));
    if (going.length > 0) removed.set(resource.kind, (removed.get(resource.kind) ?? 0) + going.length);
  };

  // Controllers first, and wholly: they would make again what goes next.
  await remove(deployments, { namespace, ...ours });
  await gone(client, pods, { namespace, ...ours }, options);
  await remove(pods, { labelSelector: label.runtime });
  await gone(client, pods, { labelSelector: label.runtime }, options);

  for (const resource of [jobs, pods, configMaps, secrets]) await remove(resource, { labelSelector: runLabel.run });
  await gone(client, pods, { labelSelector: runLabel.run }, options);
  if (data) await letGo(client);

  for (const resource of installedKinds.toReversed()) {
    if (resource === definitionsResource || resource === namespaces || resource === deployments) continue;
    // Policies are in the namespaces of functions, too.
    const isHere = resource.namespaced && resource.kind !== 'NetworkPolicy';
    await remove(resource, isHere ? { namespace, ...ours } : ours);
  }
  const made: readonly string[] = Object.values(secretNames);
  await remove(secrets, { namespace }, ({ metadata }) => !made.includes(metadata.name));
  await remove(leases, { namespace }, ({ metadata }) => metadata.name !== names.lease);
  // The namespace before the definitions: its deletion asks for all kinds, and waits long for one that is just going.
  const foreign = await leaveNamespace(client, removed, options);
  if (data) {
    const known = new Set(definitions().map(({ metadata }) => metadata.name));
    await remove(definitionsResource, {}, ({ metadata }) => !known.has(metadata.name));
    for (const name of known) await gone(client, definitionsResource, { fieldSelector: `metadata.name=${name}` }, options);
  }
  return { removed, foreign };
}

/** Executions wait for their run to be cancelled: there is nobody any more who would. */
async function letGo(client: HttpKubeClient): Promise<void> {
  for (const { metadata } of (await listed(client, executions, {})).items) {
    const { namespace = '', name, resourceVersion, finalizers = [] } = metadata;
    if (!finalizers.includes(runFinalizer)) continue;
    const body = { metadata: { resourceVersion, finalizers: finalizers.filter((each) => each !== runFinalizer) } };
    await client.patch(executions, { namespace, name }, { type: 'merge', body }, { fieldManager }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }
}

/** The system namespace goes when nothing else is in it; else it only loses our labels. */
async function leaveNamespace(client: HttpKubeClient, removed: Map<string, number>, options: UninstallOptions): Promise<readonly string[]> {
  const key = { name: options.namespace };
  const there = await getIfThere<KubeObject>(client, namespaces, key);
  if (!there || !isOurs(there)) return [];
  const objects = await foreignObjects(client, options.namespace);
  // What is of our kinds goes with them.
  const foreign = objects.filter(({ apiVersion }) => !(options.data && apiVersion === 'tsumugi.dev/v1')).map(shown);
  if (foreign.length > 0) {
    await client.apply(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: key }, { fieldManager });
    return foreign;
  }
  await client.delete(namespaces, key);
  removed.set('Namespace', 1);
  await gone(client, namespaces, { fieldSelector: `metadata.name=${options.namespace}` }, options);
  return [];
}

const shown = ({ kind, metadata }: KubeObject): string => `${kind}/${metadata.name}`;

const isOurs = ({ metadata }: KubeObject): boolean => Object.entries(ownLabels).every(([key, value]) => metadata.labels?.[key] === value);

async function listed(
  client: HttpKubeClient,
  resource: Resource,
  options: ListOptions,
): Promise<{ readonly items: readonly KubeObject[] }> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await client.list<KubeObject>(resource, options);
    } catch (error) {
      if (isNotFound(error)) return { items: [] };
      // A kind that has just come or goes: "storage is (re)initializing".
      const seconds = error instanceof ApiError && error.code === 429 ? error.status.details?.retryAfterSeconds : undefined;
      if (seconds === undefined || attempt === 10) throw error;
      await systemClock.sleep(seconds * 1000);
    }
  }
}

async function removeOne(client: HttpKubeClient, resource: Resource, { metadata }: KubeObject): Promise<void> {
  const { namespace, name, uid = '' } = metadata;
  try {
    await client.delete(
      resource,
      { ...(namespace !== undefined && { namespace }), name },
      { preconditions: { uid }, propagationPolicy: 'Background' },
    );
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Resolves when no object of the list is left. */
async function gone(client: HttpKubeClient, resource: Resource, list: ListOptions, options: UninstallOptions): Promise<void> {
  const { clock = systemClock, timeoutSeconds = 120 } = options;
  const end = clock.now() + timeoutSeconds * 1000;
  for (;;) {
    const { items } = await listed(client, resource, list);
    if (items.length === 0) return;
    if (clock.now() >= end) {
      const [first] = items;
      const shown = `${resource.kind} ${first?.metadata.namespace ? `${first.metadata.namespace}/` : ''}${first?.metadata.name}`;
      throw new TsumugiError(
        'Unavailable',
        `${shown}${items.length > 1 ? ` and ${items.length - 1} more` : ''} did not go in ${timeoutSeconds} s`,
        {
          hint: 'run it again later: it goes on where it stopped',
        },
      );
    }
    await clock.sleep(200);
  }
}
