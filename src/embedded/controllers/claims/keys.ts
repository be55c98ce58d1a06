/** Who is to be looked at when something of claims changes. Names of queue entries are those of `objects.ts`. */
import type { Pod } from '../../../resources/builtin/pod-types.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../../../resources/builtin/volumes.ts';
import type { Change } from '../../storage/store.ts';
import { objectOf } from '../../api/rows.ts';
import { queueKey } from '../objects.ts';

export const claims = 'persistentvolumeclaims';
export const volumes = 'persistentvolumes';
export const classes = 'storageclasses.storage.k8s.io';

/** A change that may help any claim that waits for a volume. */
export const allWaiting = 'waiting /';

export function claimKeys({ type, row }: Change): readonly string[] {
  switch (row.resource) {
    case classes:
      return type === 'DELETED' ? [] : [allWaiting];
    case 'pods':
      return type === 'DELETED' && row.text.includes('"persistentVolumeClaim"') ? claimsOf(objectOf<Pod>(row)) : [];
    case volumes: {
      const { claimRef } = objectOf<PersistentVolume>(row).spec ?? {};
      const key = { resource: claims, namespace: claimRef?.namespace ?? '', name: claimRef?.name ?? '' };
      return [queueKey(row), claimRef ? queueKey(key) : allWaiting];
    }
    case claims: {
      const { volumeName } = objectOf<PersistentVolumeClaim>(row).spec ?? {};
      return [queueKey(row), ...(volumeName ? [queueKey({ resource: volumes, namespace: '', name: volumeName })] : [])];
    }
    default:
      return [];
  }
}

const claimsOf = (pod: Pod): readonly string[] =>
  claimNames(pod).map((name) => queueKey({ resource: claims, namespace: pod.metadata.namespace ?? '', name }));

export const claimNames = ({ spec }: Pod): readonly string[] =>
  (spec.volumes ?? []).flatMap(({ persistentVolumeClaim }) => (persistentVolumeClaim ? [persistentVolumeClaim.claimName] : []));
