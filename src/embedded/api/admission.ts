/** What is done with a new object between its defaults and its storage, as a real server's admission does it: default class, quotas. */
import { defaultClassAnnotation } from '../../resources/builtin/volumes.ts';
import type { PersistentVolumeClaim } from '../../resources/builtin/volumes.ts';
import type { KubeObject } from '../../resources/object.ts';
import type { Call, Core } from './core.ts';
import { objectOf } from './rows.ts';
import { forbidden, qualified } from './status.ts';

const classes = 'storageclasses.storage.k8s.io';

/** The object with what admission adds. */
export async function admitted(core: Core, { kind }: Call, object: KubeObject): Promise<KubeObject> {
  if (kind.group !== '' || kind.plural !== 'persistentvolumeclaims') return object;
  const claim = object as PersistentVolumeClaim;
  if (claim.spec?.storageClassName !== undefined) return object;
  const { rows } = await core.store.list({ resource: classes });
  const defaults = rows.map((row) => objectOf(row)).filter(({ metadata }) => metadata.annotations?.[defaultClassAnnotation] === 'true');
  // The youngest, as there.
  const chosen = defaults.toSorted((a, b) => ((a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? 1 : -1))[0];
  if (!chosen) return object;
  return { ...claim, spec: { ...claim.spec, storageClassName: chosen.metadata.name } } as KubeObject;
}

/** Stores it if the namespace's quotas allow. */
export function withinQuota<T>(core: Core, { kind, namespace }: Call, object: KubeObject, write: () => Promise<T>): Promise<T> {
  if (!kind.namespaced) return write();
  return core.quotas.within(namespace, qualified(kind), object, (why) => forbidden(kind, object.metadata.name, why), write);
}
