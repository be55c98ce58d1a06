import { computed, computedAge, nameColumn } from '../cells.ts';
import { pods } from '../resources.ts';
import { defineBuiltin } from './define.ts';
import { podCells } from './pod-cells.ts';
import { podDefaults, qosClass } from './pod-defaults.ts';
import type { Pod } from './pod-types.ts';
import { podErrors } from './pod-validation.ts';
import { podWarnings } from './pod-warnings.ts';

export type * from './pod-types.ts';

export const podKind = defineBuiltin<Pod>(pods, {
  singular: 'pod',
  shortNames: ['po'],
  categories: ['all'],
  hasStatus: true,
  subresources: ['log'],
  selectableFields: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.podIPs',
    'status.nominatedNodeName',
  ],
  columns: [
    nameColumn,
    computed('Ready', 'How many containers are ready to serve.'),
    computed('Status', 'What the containers are doing.'),
    computed('Restarts', 'How often containers were restarted, and when last.', { timed: true }),
    computedAge,
    computed('IP', 'Address of the pod.', { priority: 1 }),
    computed('Node', 'The node it runs on.', { priority: 1 }),
    computed('Nominated Node', 'The node it may get by preemption.', { priority: 1 }),
    computed('Readiness Gates', 'How many readiness gates are open.', { priority: 1 }),
  ],
  cells: podCells,
  defaulting: podDefaults,
  prepareForCreate: (pod) => ({ ...pod, status: { phase: 'Pending', qosClass: qosClass(pod) } }),
  validate: podErrors,
  warnings: podWarnings,
});
