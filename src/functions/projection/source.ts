/** What the projection says, from the informers and the fleet. */
import type { FunctionEntry, InstanceEntry, RouteEntry } from '../../invoke/projection.ts';
import { conditionOf } from '../../resources/conditions.ts';
import type { Informer } from '../../kube/informer.ts';
import { keyOf } from '../../kube/key.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Member } from '../fleet/member.ts';
import type { PlatformKeys } from '../model/keys.ts';
import { defaults } from '../model/names.ts';
import type { FunctionResource } from '../../resources/function.ts';
import type { RevisionResource } from '../../resources/revision.ts';
import type { RouteResource } from '../../resources/route.ts';
import type { ProjectionFeed } from './feed.ts';

export interface ProjectionSourceOptions {
  readonly feed: ProjectionFeed;
  readonly functions: Informer<FunctionResource>;
  readonly revisions: Informer<RevisionResource>;
  readonly routes: Informer<RouteResource>;
  readonly fleet: Fleet;
  readonly revisionByUid: (uid: string) => RevisionResource | undefined;
  readonly keys: PlatformKeys;
}

/** Keeps the feed as the informers and the fleet are. */
export function fillProjection(options: ProjectionSourceOptions): () => void {
  const { feed, functions, revisions, routes, fleet, revisionByUid, keys } = options;
  const putFunction = (object: FunctionResource): void => feed.put(keyOf(object), functionEntry(object, revisions));
  const stops = [
    functions.on(({ type, object }) =>
      type === 'deleted' || object.metadata.deletionTimestamp ? feed.delete('function', keyOf(object)) : putFunction(object),
    ),
    // A function's status may be seen before the revision that it names.
    revisions.on(({ object }) => {
      const owner = functions.get(`${object.metadata.namespace}/${object.spec.function}`);
      if (owner?.status?.latestReadyRevision === object.metadata.name && !owner.metadata.deletionTimestamp) putFunction(owner);
    }),
    routes.on(({ type, object }) =>
      type === 'deleted' ? feed.delete('route', keyOf(object)) : feed.put(keyOf(object), routeEntry(object)),
    ),
  ];
  fleet.on({
    serving: (member) => feed.put(member.uid, instanceEntry(member, revisionByUid, keys)),
    stopped: (member) => feed.delete('instance', member.uid),
  });
  return () => {
    for (const stop of stops) stop();
  };
}

function functionEntry(object: FunctionResource, revisions: Informer<RevisionResource>): FunctionEntry {
  const { metadata, spec, status } = object;
  const namespace = metadata.namespace ?? '';
  const revision = status?.latestReadyRevision === undefined ? undefined : revisions.get(`${namespace}/${status.latestReadyRevision}`);
  return {
    kind: 'function',
    namespace,
    name: metadata.name,
    ...(revision ? { revision: revision.metadata.name, revisionUid: revision.metadata.uid ?? '' } : unready(object)),
    ...(spec.visibility === 'private' && { isPrivate: true as const }),
    concurrency: revision?.spec.concurrency ?? spec.concurrency ?? defaults.concurrency,
    maxInstances: spec.scale?.max ?? defaults.maxInstances,
    timeoutSeconds: revision?.spec.timeoutSeconds ?? spec.timeoutSeconds ?? defaults.timeoutSeconds,
    exports: status?.exports ?? [],
  };
}

function unready(object: FunctionResource): Pick<FunctionEntry, 'unready' | 'unreadyCode'> {
  const verdict = conditionOf(object, 'Ready');
  return {
    unready: verdict?.message ?? 'it was not looked at yet',
    ...(verdict?.reason === 'BuildFailed' && { unreadyCode: 'BuildFailed' }),
  };
}

function routeEntry({ metadata, spec }: RouteResource): RouteEntry {
  const { hosts = [], path, prefix, methods = [] } = spec.match ?? {};
  return {
    kind: 'route',
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    created: Date.parse(metadata.creationTimestamp ?? '') || 0,
    hosts,
    ...(path !== undefined && { path }),
    ...(prefix !== undefined && { prefix }),
    methods,
    function: spec.backend.function ?? '',
    ...(spec.auth === 'token' && { needsToken: true as const }),
  };
}

/** How a gateway reaches the instance. The token is what the pod was told when it was specialised, or by an earlier control plane. */
export function instanceEntry(
  member: Member,
  revisionByUid: (uid: string) => RevisionResource | undefined,
  keys: PlatformKeys,
  claim = member.claim,
): InstanceEntry {
  const { uid, name, address = '' } = member;
  if (!claim) throw new Error(`pod ${name} has no claim`);
  const spec = revisionByUid(claim.revisionUid)?.spec;
  return {
    kind: 'instance',
    id: uid,
    pod: name,
    revisionUid: claim.revisionUid,
    address,
    token: keys.tokenFor(uid, claim.epoch),
    concurrency: spec?.concurrency ?? defaults.concurrency,
    ...(spec?.reuse === 'never' && { once: true as const }),
  };
}
