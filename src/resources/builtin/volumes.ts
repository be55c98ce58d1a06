/** PersistentVolumeClaim, PersistentVolume, StorageClass: storage that outlives pods. */
import { isDeepStrictEqual } from 'node:util';
import { computed, computedAge, moment, nameColumn } from '../cells.ts';
import { forbidden, invalid, notSupported, required } from '../field-errors.ts';
import type { FieldError } from '../kind.ts';
import type { LabelSelector } from '../label-selector.ts';
import type { KubeObject } from '../object.ts';
import { canonicalQuantity, parseQuantity } from '../quantity.ts';
import { persistentVolumeClaims, persistentVolumes, storageClasses } from '../resources.ts';
import { defineBuiltin } from './define.ts';
import type { ObjectReference } from './event.ts';

export type AccessMode = 'ReadWriteOnce' | 'ReadOnlyMany' | 'ReadWriteMany' | 'ReadWriteOncePod';

type Quantities = Readonly<Record<string, string | number>>;

export interface PersistentVolumeClaim extends KubeObject {
  readonly spec?: {
    readonly accessModes?: readonly AccessMode[];
    readonly selector?: LabelSelector;
    readonly resources?: { readonly requests?: Quantities; readonly limits?: Quantities };
    readonly volumeName?: string;
    /** '': a volume without a class; absent: that of the default class. */
    readonly storageClassName?: string;
    readonly volumeMode?: 'Filesystem' | 'Block';
  };
  readonly status?: {
    readonly phase?: 'Pending' | 'Bound' | 'Lost';
    readonly accessModes?: readonly AccessMode[];
    readonly capacity?: Quantities;
  };
}

export interface PersistentVolume extends KubeObject {
  readonly spec?: {
    readonly capacity?: Quantities;
    readonly accessModes?: readonly AccessMode[];
    readonly claimRef?: ObjectReference;
    readonly persistentVolumeReclaimPolicy?: 'Retain' | 'Delete' | 'Recycle';
    readonly storageClassName?: string;
    readonly volumeMode?: 'Filesystem' | 'Block';
    readonly hostPath?: { readonly path: string; readonly type?: string };
    readonly local?: { readonly path: string };
  };
  readonly status?: {
    readonly phase?: 'Pending' | 'Available' | 'Bound' | 'Released' | 'Failed';
    readonly reason?: string;
    readonly lastPhaseTransitionTime?: string;
  };
}

export interface StorageClass extends KubeObject {
  readonly provisioner: string;
  readonly reclaimPolicy?: 'Retain' | 'Delete';
  readonly volumeBindingMode?: 'Immediate' | 'WaitForFirstConsumer';
  readonly allowVolumeExpansion?: boolean;
}

/** Held by these while something uses them. */
export const claimProtection = 'kubernetes.io/pvc-protection';
export const volumeProtection = 'kubernetes.io/pv-protection';
export const defaultClassAnnotation = 'storageclass.kubernetes.io/is-default-class';

const modeLetters: Readonly<Record<AccessMode, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};
const modeNames = Object.keys(modeLetters) as AccessMode[];

/** `RWO,RWX`; each once, in the server's order. */
const modesText = (modes: readonly AccessMode[] = []): string =>
  modeNames
    .filter((mode) => modes.includes(mode))
    .map((mode) => modeLetters[mode])
    .join(',');

const unset = '<unset>';
const storage = (of: Quantities | undefined): string => (of?.['storage'] === undefined ? '' : String(of['storage']));
const canonical = (of: Quantities): Record<string, string> =>
  Object.fromEntries(Object.entries(of).map(([name, value]) => [name, canonicalQuantity(value)]));

function withFinalizer<T extends KubeObject>(object: T, finalizer: string): T {
  const finalizers = object.metadata.finalizers ?? [];
  return finalizers.includes(finalizer) ? object : { ...object, metadata: { ...object.metadata, finalizers: [...finalizers, finalizer] } };
}

function modeErrors(modes: readonly AccessMode[] = [], says = ''): FieldError[] {
  if (modes.length === 0) return [required('spec.accessModes', says)];
  const unknown = modes.filter((mode) => !modeNames.includes(mode));
  return unknown.map((mode) => notSupported('spec.accessModes', mode, modeNames.toSorted()));
}

function sizeErrors(field: string, size: string | number | undefined): FieldError[] {
  if (size === undefined) return [required(field)];
  return (parseQuantity(size) ?? 0) > 0 ? [] : [invalid(field, String(size), 'must be greater than zero')];
}

export const persistentVolumeClaimKind = defineBuiltin<PersistentVolumeClaim>(persistentVolumeClaims, {
  singular: 'persistentvolumeclaim',
  shortNames: ['pvc'],
  hasStatus: true,
  columns: [
    nameColumn,
    computed('Status', 'Whether it has a volume.'),
    computed('Volume', 'The volume that it has.'),
    computed('Capacity', 'How much that holds.'),
    computed('Access Modes', 'Who may use it, and how.'),
    computed('StorageClass', 'The class of the volume.'),
    computed('VolumeAttributesClass', 'The class of its attributes.'),
    computedAge,
    computed('VolumeMode', 'A folder, or a device.', { priority: 1 }),
  ],
  cells({ metadata, spec, status }) {
    const isBound = Boolean(spec?.volumeName);
    return [
      metadata.name,
      metadata.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
      spec?.volumeName ?? '',
      isBound ? storage(status?.capacity) : '',
      isBound ? modesText(status?.accessModes) : '',
      spec?.storageClassName ?? '',
      unset,
      moment(metadata.creationTimestamp),
      spec?.volumeMode ?? unset,
    ];
  },
  defaulting(claim) {
    const { spec, status } = claim;
    const { requests, limits } = spec?.resources ?? {};
    return {
      ...claim,
      spec: {
        ...spec,
        volumeMode: spec?.volumeMode ?? 'Filesystem',
        resources: {
          ...spec?.resources,
          ...(requests && { requests: canonical(requests) }),
          ...(limits && { limits: canonical(limits) }),
        },
      },
      ...(status && { status: { phase: 'Pending' as const, ...status } }),
    };
  },
  prepareForCreate: (claim) => withFinalizer({ ...claim, status: { phase: 'Pending' } }, claimProtection),
  validate({ spec, status }, old) {
    const errors = [
      ...modeErrors(spec?.accessModes, 'at least 1 access mode is required'),
      ...sizeErrors('spec.resources[storage]', spec?.resources?.requests?.['storage']),
    ];
    if (!old || errors.length > 0) return errors;
    const says = 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
    const fixed = ({ resources: _r, volumeName: _v, ...rest }: NonNullable<PersistentVolumeClaim['spec']>): object => rest;
    const isRebound = Boolean(old.spec?.volumeName) && old.spec?.volumeName !== spec?.volumeName;
    if (isRebound || !isDeepStrictEqual(fixed(spec ?? {}), fixed(old.spec ?? {}))) return [forbidden('spec', says)];
    const [size, before] = [spec, old.spec].map((each) => parseQuantity(each?.resources?.requests?.['storage']) ?? 0) as [number, number];
    if (size !== before && (status ?? old.status)?.phase !== 'Bound') return [forbidden('spec', says)];
    return size < before ? [forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity')] : [];
  },
});

export const persistentVolumeKind = defineBuiltin<PersistentVolume>(persistentVolumes, {
  singular: 'persistentvolume',
  shortNames: ['pv'],
  hasStatus: true,
  columns: [
    nameColumn,
    computed('Capacity', 'How much it holds.'),
    computed('Access Modes', 'Who may use it, and how.'),
    computed('Reclaim Policy', 'What becomes of it when its claim goes.'),
    computed('Status', 'Whether a claim has it.'),
    computed('Claim', 'The claim that has it.'),
    computed('StorageClass', 'Its class.'),
    computed('VolumeAttributesClass', 'The class of its attributes.'),
    computed('Reason', 'Why it failed.'),
    computedAge,
    computed('VolumeMode', 'A folder, or a device.', { priority: 1 }),
  ],
  cells({ metadata, spec, status }) {
    const { claimRef } = spec ?? {};
    return [
      metadata.name,
      storage(spec?.capacity),
      modesText(spec?.accessModes),
      spec?.persistentVolumeReclaimPolicy ?? '',
      metadata.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
      claimRef ? `${claimRef.namespace ?? ''}/${claimRef.name ?? ''}` : '',
      spec?.storageClassName ?? '',
      unset,
      status?.reason ?? '',
      moment(metadata.creationTimestamp),
      spec?.volumeMode ?? unset,
    ];
  },
  defaulting(volume) {
    const { spec, status } = volume;
    const { capacity, claimRef, hostPath } = spec ?? {};
    return {
      ...volume,
      spec: {
        ...spec,
        persistentVolumeReclaimPolicy: spec?.persistentVolumeReclaimPolicy ?? 'Retain',
        volumeMode: spec?.volumeMode ?? 'Filesystem',
        ...(capacity && { capacity: canonical(capacity) }),
        ...(hostPath && { hostPath: { type: '', ...hostPath } }),
        ...(claimRef && { claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', ...claimRef } }),
      },
      ...(status && { status: { phase: 'Pending' as const, ...status } }),
    };
  },
  prepareForCreate: (volume) => withFinalizer({ ...volume, status: { phase: 'Pending' } }, volumeProtection),
  validate({ spec }, old) {
    const errors = [
      ...modeErrors(spec?.accessModes),
      ...(spec?.capacity
        ? sizeErrors('spec.capacity[storage]', spec.capacity['storage'])
        : [required('spec.capacity'), notSupported('spec.capacity', null, ['storage'])]),
    ];
    const { path } = spec?.hostPath ?? {};
    if (path?.split('/').includes('..')) errors.push(invalid('spec.hostPath.path', path, "must not contain '..'"));
    const source = ({ hostPath, local }: NonNullable<PersistentVolume['spec']>): object => ({ hostPath, local });
    if (old && !isDeepStrictEqual(source(spec ?? {}), source(old.spec ?? {})))
      errors.push(forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'));
    return errors;
  },
});

export const storageClassKind = defineBuiltin<StorageClass>(storageClasses, {
  singular: 'storageclass',
  shortNames: ['sc'],
  structure: { type: 'ref', ref: 'storage.v1.StorageClass' },
  columns: [
    nameColumn,
    computed('Provisioner', 'Who makes its volumes.'),
    computed('ReclaimPolicy', 'What becomes of a volume when its claim goes.'),
    computed('VolumeBindingMode', 'When a claim gets its volume.'),
    computed('AllowVolumeExpansion', 'Whether volumes may grow.'),
    computedAge,
  ],
  cells: ({ metadata, provisioner, reclaimPolicy, volumeBindingMode, allowVolumeExpansion }) => [
    `${metadata.name}${metadata.annotations?.[defaultClassAnnotation] === 'true' ? ' (default)' : ''}`,
    provisioner,
    reclaimPolicy ?? 'Delete',
    volumeBindingMode ?? 'Immediate',
    allowVolumeExpansion === true,
    moment(metadata.creationTimestamp),
  ],
  defaulting: (storageClass) => ({
    ...storageClass,
    reclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
    volumeBindingMode: storageClass.volumeBindingMode ?? 'Immediate',
  }),
  validate({ provisioner, reclaimPolicy, volumeBindingMode }, old) {
    const errors: FieldError[] = provisioner ? [] : [required('provisioner')];
    const says = 'updates to provisioner are forbidden.';
    if (old && old.provisioner !== provisioner) errors.push(forbidden('provisioner', says));
    if (old && old.reclaimPolicy !== reclaimPolicy) errors.push(invalid('reclaimPolicy', reclaimPolicy, 'field is immutable'));
    if (old && old.volumeBindingMode !== volumeBindingMode)
      errors.push(invalid('volumeBindingMode', volumeBindingMode, 'field is immutable'));
    return errors;
  },
});
