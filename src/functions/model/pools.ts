/**
 * Pools of pods: one for each namespace and runtime, with warm pods that any of the functions may get; and one more for each different
 * set of pod fields (image, resources, service account, volumes), whose pods are made when somebody waits for one.
 */
import type { Pod } from '../../resources/builtin/pod-types.ts';
import type { ObjectMeta } from '../../resources/object.ts';
import type { PodFields } from '../../resources/pod-fields.ts';
import { defaults, label, ownPodFields, poolHash } from './names.ts';

export interface Pool {
  /** `namespace/runtime` of the common pool, `namespace/runtime/hash` of another. */
  readonly key: string;
  readonly namespace: string;
  readonly runtime: string;
  /** The label `tsumugi.dev/pool` of its pods; absent: the common pool. */
  readonly hash?: string;
  /** What its pods have that differs from the runtime's. */
  readonly pod: PodFields;
}

/** The pool of a Function's or a Revision's pods. */
export function poolOf({
  metadata,
  spec,
}: {
  readonly metadata: ObjectMeta;
  readonly spec: PodFields & { readonly runtime?: string };
}): Pool {
  const { namespace = '' } = metadata;
  const runtime = spec.runtime ?? defaults.runtime;
  const hash = poolHash(spec);
  return { key: keyOf(namespace, runtime, hash), namespace, runtime, ...(hash !== undefined && { hash }), pod: ownPodFields(spec) };
}

/** The key of the pool that a pod was made for. */
export function poolKeyOfPod({ metadata: { namespace = '', labels } }: Pod): string {
  return keyOf(namespace, labels?.[label.runtime] ?? '', labels?.[label.pool]);
}

/** What a key says. No name has a slash. */
export function parsePoolKey(key: string): Pick<Pool, 'namespace' | 'runtime' | 'hash'> {
  const [namespace = '', runtime = '', hash] = key.split('/');
  return { namespace, runtime, ...(hash !== undefined && { hash }) };
}

const keyOf = (namespace: string, runtime: string, hash?: string): string => [namespace, runtime, ...(hash ? [hash] : [])].join('/');
