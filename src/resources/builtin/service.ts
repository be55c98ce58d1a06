import { computed, computedAge, nameColumn } from '../cells.ts';
import { services } from '../resources.ts';
import { defineBuiltin } from './define.ts';

/** There is none here and none can be made: so clients that look for one (`kubectl cluster-info`) find nothing instead of an error. */
export const serviceKind = defineBuiltin(services, {
  singular: 'service',
  shortNames: ['svc'],
  categories: ['all'],
  verbs: ['get', 'list', 'watch'],
  hasStatus: true,
  selectableFields: ['spec.clusterIP', 'spec.type'],
  columns: [
    nameColumn,
    computed('Type', 'How it is reached.'),
    computed('Cluster-IP', 'Its address within the cluster.'),
    computed('External-IP', 'Its address from outside.'),
    computed('Port(s)', 'Its ports.'),
    computedAge,
    computed('Selector', 'The labels of its pods.', { priority: 1 }),
  ],
});
