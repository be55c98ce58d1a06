/** Execution: one run of a JobDefinition. The object asks for it; what became of it is in records, and mirrored in the status. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { conditionColumns, defineCustom, shortNameRule } from './custom.ts';
import { attemptSeconds, items, parallelism, taskCount } from './job-definition.ts';
import type { KubeObject } from './object.ts';
import { executions } from './resources.ts';
import { anyJson, coreList, type Immutable, shortName } from './schema.ts';
import { statusFields } from './status-fields.ts';

const spec = z.strictObject({
  jobDefinition: shortName.describe('The JobDefinition of the same namespace that it is a run of, as it is when the run is created.'),
  args: z.array(anyJson).max(256).optional().describe("Arguments instead of the definition's: of the container, or of the call."),
  env: coreList('core.v1.EnvVar', 'all', 0, 256).optional().describe("Variables of the container beside or instead of the definition's."),
  taskCount: taskCount.optional().describe("Tasks in all, instead of the definition's."),
  items: items.optional().describe("The input of each task, instead of the definition's."),
  parallelism: parallelism.optional().describe("Tasks at once, instead of the definition's."),
  timeoutSeconds: attemptSeconds.optional().describe("How long one attempt of a task may take, instead of the definition's."),
  suspend: z.boolean().optional().describe('True: no further task is begun until it is false.'),
});

const count = z.int().min(0).optional();

const status = z.strictObject({
  ...statusFields,
  taskCount: count.describe('Tasks in all.'),
  runningCount: count.describe('Tasks that run now.'),
  succeededCount: count.describe('Tasks that succeeded.'),
  failedCount: count.describe('Tasks that failed in all their attempts.'),
  cancelledCount: count.describe('Tasks that were cancelled.'),
  retriedCount: count.describe('Attempts beyond the first, over all tasks.'),
  progress: z.string().optional().describe('Tasks that succeeded, of all.'),
  startTime: z.string().optional().meta({ format: 'date-time' }).describe('When its first task began.'),
  completionTime: z.string().optional().meta({ format: 'date-time' }).describe('When it ended.'),
  logUri: z
    .string()
    .optional()
    .describe(
      'Where its log is found: a path of the platform API, which answers a line of JSON for each line (`?follow=true`, `task`, `tail`).',
    ),
});

export type ExecutionSpec = Immutable<z.output<typeof spec>>;
export type ExecutionStatus = Immutable<z.output<typeof status>>;

export interface Execution extends KubeObject {
  readonly spec: ExecutionSpec;
  readonly status?: ExecutionStatus;
}

/** What may not change once it is created; the other fields are not looked at again (CEL cannot compare them). */
const fixed = ['jobDefinition', 'taskCount', 'parallelism', 'timeoutSeconds'] as const;

export const executionKind = defineCustom<Execution>(executions, {
  singular: 'execution',
  shortNames: ['exec'],
  categories: ['all'],
  description: 'One run of a JobDefinition.',
  spec,
  status,
  columns: [
    { name: 'Job', type: 'string', jsonPath: '.spec.jobDefinition', description: 'The JobDefinition that it is a run of.' },
    ...conditionColumns('Completed'),
    { name: 'Tasks', type: 'string', jsonPath: '.status.progress', description: 'Tasks that succeeded, of all.' },
    { name: 'Failed', type: 'integer', jsonPath: '.status.failedCount', priority: 1, description: 'Tasks that failed.' },
    { name: 'Retried', type: 'integer', jsonPath: '.status.retriedCount', priority: 1, description: 'Attempts beyond the first.' },
  ],
  rules: [
    shortNameRule,
    {
      path: 'spec',
      cel: fixed
        .map((field) => `has(self.${field}) == has(oldSelf.${field}) && (!has(self.${field}) || self.${field} == oldSelf.${field})`)
        .join(' && '),
      check: (now: Readonly<Record<string, unknown>>, old: Readonly<Record<string, unknown>>) =>
        fixed.every((field) => isDeepStrictEqual(now[field], old[field])),
      message: `${fixed.map((field) => `\`${field}\``).join(', ')} never change: create another Execution`,
      transition: true,
    },
  ],
  selectableFields: ['spec.jobDefinition'],
});
