/** What one kind does differently when it is written; everything else is the same for all. */
import type { KindDefinition } from '../../resources/kind.ts';
import type { KubeObject } from '../../resources/object.ts';
import { qualified } from './status.ts';

export interface Strategy {
  /** What an update through the main resource may not touch, put back from the stored object. */
  readonly keepOnUpdate?: (next: KubeObject, old: KubeObject) => KubeObject;
  /** The same of a write of the status. */
  readonly keepOnStatus?: (next: KubeObject, old: KubeObject) => KubeObject;
  /** Puts a new object that asks for no other on the cluster's only node. */
  readonly place?: (object: KubeObject, node: string) => KubeObject;
  /** Seconds an object is given to end; 0: none. */
  readonly grace?: (object: KubeObject, asked: number | undefined) => number;
  /** Something other than metadata.finalizers still holds a deleted object. */
  readonly held?: (object: KubeObject) => boolean;
  /** What a deletion that has to wait does to the object. */
  readonly markDeleted?: (object: KubeObject) => KubeObject;
  /** Sentence why this object may not be deleted. */
  readonly undeletable?: (name: string) => string | undefined;
  /** A finished delete answers the object instead of a Status. */
  readonly answersObject?: boolean;
  /** All objects of the kind cannot be deleted with one request. */
  readonly noCollectionDelete?: boolean;
  /** A new object keeps the status that was sent. */
  readonly createsWithStatus?: boolean;
  /** An update of what is not there makes it. */
  readonly createsOnUpdate?: boolean;
  /** Policy of a delete that says nothing. */
  readonly defaultPropagation?: 'Background' | 'Orphan';
  /** Other subresources that can be written: how the sent object changes the stored one. */
  readonly subresources?: Readonly<Record<string, (sent: KubeObject, old: KubeObject) => KubeObject>>;
}

interface PodLike extends KubeObject {
  readonly spec?: {
    readonly nodeName?: string;
    readonly terminationGracePeriodSeconds?: number;
    readonly volumes?: readonly object[];
    readonly schedulingGates?: readonly object[];
  };
  readonly status?: { readonly phase?: string; readonly qosClass?: string };
}

interface NamespaceLike extends KubeObject {
  readonly spec?: { readonly finalizers?: readonly string[] };
  readonly status?: object;
}

/** The node's own way to say where a pod runs, in this process alone; nobody else may change that. */
export const binding = 'binding';

const pods: Strategy = {
  answersObject: true,
  place: (object, nodeName) => {
    const { spec } = object as PodLike;
    // What it claims may have to be bound first; a gate keeps it from every node.
    const claims = spec?.volumes?.some((volume) => 'persistentVolumeClaim' in volume || 'ephemeral' in volume);
    const waits = claims || (spec?.schedulingGates?.length ?? 0) > 0;
    return waits || spec?.nodeName ? object : ({ ...object, spec: { ...spec, nodeName } } as KubeObject);
  },
  keepOnStatus: (next, old) => {
    const { qosClass } = (old as PodLike).status ?? {};
    const { status } = next as PodLike;
    return status?.qosClass || !qosClass ? next : ({ ...next, status: { ...status, qosClass } } as KubeObject);
  },
  grace: (object, asked) => {
    const { spec, status } = object as PodLike;
    // Nobody runs it (yet, or any more): nothing to wait for.
    if (!spec?.nodeName || status?.phase === 'Succeeded' || status?.phase === 'Failed') return 0;
    const seconds = asked ?? spec.terminationGracePeriodSeconds ?? 30;
    return seconds < 0 ? 1 : seconds;
  },
  subresources: {
    [binding]: (sent, old) => {
      const { spec } = old as PodLike;
      return { ...old, spec: { ...spec, nodeName: (sent as PodLike).spec?.nodeName } } as KubeObject;
    },
  },
};

export const protectedNamespaces: readonly string[] = ['default', 'kube-system'];

const namespaces: Strategy = {
  noCollectionDelete: true,
  held: (object) => ((object as NamespaceLike).spec?.finalizers ?? []).length > 0,
  keepOnUpdate: (next, old) =>
    ({ ...next, spec: { ...(next as NamespaceLike).spec, finalizers: (old as NamespaceLike).spec?.finalizers } }) as KubeObject,
  markDeleted: (object) => {
    const { deletionGracePeriodSeconds: _, ...metadata } = object.metadata;
    return { ...object, metadata, status: { ...(object as NamespaceLike).status, phase: 'Terminating' } } as KubeObject;
  },
  undeletable: (name) => (protectedNamespaces.includes(name) ? 'this namespace may not be deleted' : undefined),
  subresources: {
    finalize: (sent, old) => {
      const finalizers = (sent as NamespaceLike).spec?.finalizers ?? [];
      const { finalizers: _, ...spec } = (old as NamespaceLike).spec ?? {};
      return { ...old, spec: finalizers.length > 0 ? { ...spec, finalizers } : spec } as KubeObject;
    },
  },
};

const jobs: Strategy = { defaultPropagation: 'Orphan' };
const answered: Strategy = { answersObject: true };

const strategies: Readonly<Record<string, Strategy>> = {
  pods,
  namespaces,
  'jobs.batch': jobs,
  'leases.coordination.k8s.io': { createsOnUpdate: true },
  events: { createsOnUpdate: true },
  nodes: { createsWithStatus: true },
  serviceaccounts: answered,
  persistentvolumeclaims: answered,
  persistentvolumes: answered,
  'storageclasses.storage.k8s.io': answered,
  resourcequotas: answered,
};
const plain: Strategy = {};

export const strategyOf = (kind: KindDefinition): Strategy => strategies[qualified(kind)] ?? plain;

/** Kinds whose `metadata.generation` counts the changes of what is wanted. */
export const countsGeneration = (kind: KindDefinition): boolean =>
  kind.origin === 'custom' || (kind.group !== '' && kind.plural !== 'leases' && kind.plural !== 'storageclasses') || kind.plural === 'pods';

/** Kinds of which an update must say which version it replaces. */
export const needsVersion = (kind: KindDefinition): boolean => kind.origin === 'custom' || kind.plural === 'leases';
