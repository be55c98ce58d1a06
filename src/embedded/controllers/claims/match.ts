/** Which volume a claim may have. */
import type { PersistentVolume, PersistentVolumeClaim } from '../../../resources/builtin/volumes.ts';
import { selects } from '../../../resources/label-selector.ts';
import { parseQuantity } from '../../../resources/quantity.ts';

const sizeOf = (of: Readonly<Record<string, string | number>> | undefined): number => parseQuantity(of?.['storage']) ?? 0;

/** The volume is kept for this claim, or is already its own. */
export function isFor({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const { claimRef } = spec ?? {};
  return (
    claimRef?.namespace === metadata.namespace && claimRef?.name === metadata.name && (!claimRef?.uid || claimRef.uid === metadata.uid)
  );
}

/** The smallest of those that fit; one that is kept for the claim first. */
export function chooseVolume(claim: PersistentVolumeClaim, volumes: readonly PersistentVolume[]): PersistentVolume | undefined {
  const wanted = claim.spec?.volumeName;
  const free = volumes.filter(
    (volume) => volume.metadata.deletionTimestamp === undefined && fits(claim, volume) && (!wanted || wanted === volume.metadata.name),
  );
  const kept = free.find((volume) => isFor(volume, claim));
  if (kept) return kept;
  return free
    .filter(({ spec }) => !spec?.claimRef)
    .toSorted((a, b) => sizeOf(a.spec?.capacity) - sizeOf(b.spec?.capacity) || (a.metadata.name < b.metadata.name ? -1 : 1))[0];
}

function fits({ spec: wish }: PersistentVolumeClaim, { spec, metadata }: PersistentVolume): boolean {
  return (
    (spec?.storageClassName ?? '') === (wish?.storageClassName ?? '') &&
    spec?.volumeMode === wish?.volumeMode &&
    (wish?.accessModes ?? []).every((mode) => spec?.accessModes?.includes(mode)) &&
    sizeOf(spec?.capacity) >= sizeOf(wish?.resources?.requests) &&
    (!wish?.selector || selects(wish.selector, metadata.labels))
  );
}
