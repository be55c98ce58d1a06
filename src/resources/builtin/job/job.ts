import { computed, computedAge, nameColumn } from '../../cells.ts';
import { dnsLabel } from '../../names.ts';
import { jobs } from '../../resources.ts';
import { defineBuiltin } from '../define.ts';
import { podSpecWarnings } from '../pod-warnings.ts';
import { jobCells } from './cells.ts';
import { jobAtCreation, jobDefaults } from './defaults.ts';
import type { Job } from './types.ts';
import { jobErrors } from './validation.ts';

export type * from './types.ts';

function jobWarnings({ metadata, spec }: Job): string[] {
  const label = dnsLabel(metadata.name);
  const says = 'this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended';
  const isHuge = spec.completionMode === 'Indexed' && (spec.completions ?? 0) > 100_000 && (spec.parallelism ?? 0) > 10_000;
  return [
    ...(label.length > 0 ? [`metadata.name: ${says}: [${label.join(' ')}]`] : []),
    ...(isHuge
      ? [
          'spec: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail',
        ]
      : []),
    ...podSpecWarnings(spec.template.spec, 'spec.template.spec'),
  ];
}

export const jobKind = defineBuiltin<Job>(jobs, {
  singular: 'job',
  categories: ['all'],
  structure: { type: 'ref', ref: 'batch.v1.Job' },
  hasStatus: true,
  selectableFields: ['status.successful'],
  selectableValues: ({ status }) => ({ 'status.successful': String(status?.succeeded ?? 0) }),
  columns: [
    nameColumn,
    computed('Status', 'How far it has come.'),
    computed('Completions', 'Pods that succeeded, of those that shall.'),
    computed('Duration', 'How long it has run.', { timed: true }),
    computedAge,
    computed('Containers', "Names of the template's containers.", { priority: 1 }),
    computed('Images', 'Their images.', { priority: 1 }),
    computed('Selector', 'Labels that its pods have.', { priority: 1 }),
  ],
  cells: jobCells,
  defaulting: jobDefaults,
  prepareForCreate: jobAtCreation,
  validate: jobErrors,
  warnings: jobWarnings,
});
