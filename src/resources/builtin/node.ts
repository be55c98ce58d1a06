import { computed, computedAge, moment, nameColumn } from '../cells.ts';
import type { KubeObject } from '../object.ts';
import { nodes, serviceAccounts } from '../resources.ts';
import { defineBuiltin } from './define.ts';

export interface Node extends KubeObject {
  readonly spec?: { readonly unschedulable?: boolean };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
    readonly nodeInfo?: Readonly<Record<string, string>>;
  };
}

export interface ServiceAccount extends KubeObject {
  readonly automountServiceAccountToken?: boolean;
}

const rolePrefix = 'node-role.kubernetes.io/';

export const nodeKind = defineBuiltin<Node>(nodes, {
  singular: 'node',
  shortNames: ['no'],
  hasStatus: true,
  selectableFields: ['spec.unschedulable'],
  columns: [
    nameColumn,
    computed('Status', 'Whether it takes pods.'),
    computed('Roles', 'What it is for.'),
    computedAge,
    computed('Version', 'Version of its agent.'),
    computed('Internal-IP', 'Address within the cluster.', { priority: 1 }),
    computed('External-IP', 'Address from outside.', { priority: 1 }),
    computed('OS-Image', 'Its operating system.', { priority: 1 }),
    computed('Kernel-Version', 'Its kernel.', { priority: 1 }),
    computed('Container-Runtime', 'What starts its containers.', { priority: 1 }),
  ],
  cells({ metadata, spec, status }) {
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    const state = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown';
    const roles = Object.keys(metadata.labels ?? {}).filter((key) => key.startsWith(rolePrefix));
    const address = (wanted: string): string => status?.addresses?.find(({ type }) => type === wanted)?.address ?? '<none>';
    const info = (field: string): string => status?.nodeInfo?.[field] || '<unknown>';
    return [
      metadata.name,
      spec?.unschedulable ? `${state},SchedulingDisabled` : state,
      roles
        .map((key) => key.slice(rolePrefix.length))
        .sort()
        .join(',') || '<none>',
      moment(metadata.creationTimestamp),
      status?.nodeInfo?.['kubeletVersion'] ?? '',
      address('InternalIP'),
      address('ExternalIP'),
      info('osImage'),
      info('kernelVersion'),
      info('containerRuntimeVersion'),
    ];
  },
});

const mountableSecrets = 'kubernetes.io/enforce-mountable-secrets';

export const serviceAccountKind = defineBuiltin<ServiceAccount>(serviceAccounts, {
  singular: 'serviceaccount',
  shortNames: ['sa'],
  subresources: ['token'],
  columns: [nameColumn, computedAge],
  cells: ({ metadata }) => [metadata.name, moment(metadata.creationTimestamp)],
  warnings: ({ metadata }) =>
    metadata.annotations?.[mountableSecrets]
      ? [`metadata.annotations[${mountableSecrets}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`]
      : [],
});
