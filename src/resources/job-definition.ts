/** JobDefinition: what an Execution runs. The nesting is that of batch: definition, execution, task. */
import { z } from 'zod';
import { defineCustom, exactlyOne, shortNameRule } from './custom.ts';
import type { KubeObject } from './object.ts';
import { permissionsField } from './permissions.ts';
import { imagePullSecrets } from './pod-fields.ts';
import { jobDefinitions } from './resources.ts';
import { anyJson, coreList, type Immutable, objectName, seconds, shortName } from './schema.ts';
import { statusFields } from './status-fields.ts';

const containerFields = `name image command args workingDir env envFrom resources volumeMounts imagePullPolicy lifecycle ports
  securityContext stdin tty terminationMessagePath terminationMessagePolicy`.split(/\s+/);
const volumeFields = 'name configMap secret emptyDir persistentVolumeClaim projected downwardAPI hostPath csi nfs ephemeral'.split(' ');

export const items = z.array(anyJson).min(1).max(100_000);
export const taskCount = z.int().min(1).max(1_000_000);
export const parallelism = z.int().min(1).max(1000);
export const attemptSeconds = seconds(1, 604_800);

const task = z.strictObject({
  containers: coreList('core.v1.Container', containerFields, 1, 1).optional().describe('The container of each task: exactly one.'),
  call: z
    .strictObject({
      function: shortName.describe('A Function of the same namespace.'),
      export: z
        .string()
        .max(253)
        .regex(/^[A-Za-z_$][A-Za-z0-9_$]*$/)
        .optional()
        .describe('Which of its named exports. Default: the one that is named like the function, else the only one.'),
      args: z.array(anyJson).max(256).optional().describe("Its arguments; a task's item comes after them."),
    })
    .optional()
    .describe('The call of each task, on instances of the function that are used again.'),
  volumes: coreList('core.v1.Volume', volumeFields, 0, 32).optional().describe('Volumes of the container.'),
  serviceAccountName: objectName.optional().describe('The ServiceAccount that the container runs as.'),
  imagePullSecrets: imagePullSecrets.optional().describe('Secrets to pull the image with.'),
  maxRetries: z.int().min(0).max(100).default(3).describe('Attempts of a task beyond the first.'),
  timeoutSeconds: attemptSeconds.default(600).describe('How long one attempt of a task may take.'),
  terminationGracePeriodSeconds: seconds(0, 3600)
    .default(30)
    .describe('How long tasks that run may go on after the execution is cancelled.'),
});

const spec = z.strictObject({
  template: z
    .strictObject({
      metadata: z
        .strictObject({ labels: z.record(z.string(), z.string()).optional().describe('Labels of its executions.') })
        .optional()
        .describe('What its executions are marked with.'),
      spec: z
        .strictObject({
          parallelism: parallelism.default(1).describe('Tasks at once.'),
          taskCount: taskCount.optional().describe('Tasks in all. Default: one for each of `items`, else 1.'),
          items: items.optional().describe('The input of each task, by index.'),
          activeDeadlineSeconds: seconds(1, 2_592_000).optional().describe('How long an execution may take in all, once begun.'),
          queueTimeoutSeconds: seconds(1, 2_592_000)
            .optional()
            .describe('How long an execution may wait for its turn; then it has failed.'),
          template: z.strictObject({ spec: task.describe('What a task does: a container or a call.') }).describe('What its tasks are.'),
        })
        .describe('How an execution runs its tasks.'),
    })
    .describe('What its executions are.'),
  permissions: permissionsField.optional(),
  concurrencyPolicy: z
    .enum(['Allow', 'Forbid', 'Replace'])
    .default('Allow')
    .describe('An execution while another is under way: both run, it is refused, or it takes the place of the other.'),
  successfulExecutionsHistoryLimit: z.int().min(0).max(100_000).default(100).describe('Executions kept that succeeded.'),
  failedExecutionsHistoryLimit: z.int().min(0).max(100_000).default(100).describe('Executions kept that failed or were cancelled.'),
});

const status = z.strictObject({
  ...statusFields,
  executionCount: z.int().min(0).optional().describe('Executions that were created.'),
  latestCreatedExecution: z
    .strictObject({
      name: z.string().describe('Its name.'),
      creationTimestamp: z.string().describe('When it was created.'),
      completionTimestamp: z.string().optional().describe('When it ended.'),
      completionStatus: z.string().optional().describe('How it stands: EXECUTION_SUCCEEDED, _FAILED, _RUNNING, _PENDING or _CANCELLED.'),
    })
    .optional()
    .describe('The execution that was created last.'),
});

export type JobDefinitionSpec = Immutable<z.output<typeof spec>>;
export type JobDefinitionStatus = Immutable<z.output<typeof status>>;

export interface JobDefinition extends KubeObject {
  readonly spec: JobDefinitionSpec;
  readonly status?: JobDefinitionStatus;
}

const task_ = 'spec.template.spec.template.spec';

export const jobDefinitionKind = defineCustom<JobDefinition>(jobDefinitions, {
  singular: 'jobdefinition',
  shortNames: ['jd'],
  categories: ['all'],
  description: 'Work that runs to its end: what its tasks do, how many there are, how many run at once.',
  spec,
  status,
  columns: [
    { name: 'Tasks', type: 'integer', jsonPath: '.spec.template.spec.taskCount', description: 'Tasks in all.' },
    { name: 'Parallelism', type: 'integer', jsonPath: '.spec.template.spec.parallelism', description: 'Tasks at once.' },
    { name: 'Executions', type: 'integer', jsonPath: '.status.executionCount', description: 'Executions that were created.' },
    { name: 'Latest', type: 'string', jsonPath: '.status.latestCreatedExecution.name', description: 'The execution created last.' },
    {
      name: 'Status',
      type: 'string',
      jsonPath: '.status.latestCreatedExecution.completionStatus',
      description: 'How the latest one stands.',
    },
  ],
  rules: [
    shortNameRule,
    exactlyOne(task_, ['containers', 'call']),
    {
      path: task_,
      cel: '!has(self.call) || !(has(self.volumes) || has(self.serviceAccountName) || has(self.imagePullSecrets))',
      check: ({ call, volumes, serviceAccountName, imagePullSecrets: secrets }: Readonly<Record<string, unknown>>) =>
        call === undefined || (volumes === undefined && serviceAccountName === undefined && secrets === undefined),
      message: '`volumes`, `serviceAccountName` and `imagePullSecrets` are for `containers`: a function has its own',
    },
    {
      path: 'spec',
      cel: '!has(self.permissions) || (has(self.template.spec.template.spec.containers) && !has(self.template.spec.template.spec.serviceAccountName))',
      check: ({ permissions, template }: Readonly<Record<string, unknown>>) => {
        const { containers, serviceAccountName: account } = (template as JobDefinitionSpec['template']).spec.template.spec;
        return permissions === undefined || (containers !== undefined && account === undefined);
      },
      message: '`permissions` are for `containers` without a `serviceAccountName`: they make an account, and a function declares its own',
    },
  ],
});
