/** What an execution is to do: the `spec` of its record. It is complete, so that it does not matter what becomes of the JobDefinition. */
import { TsumugiError } from '../../base/errors.ts';
import type { Run } from '../../records/runs.ts';
import type { Container } from '../../resources/builtin/pod-types.ts';
import type { JobDefinitionSpec } from '../../resources/job-definition.ts';
import type { ExecutionOverrides } from '../jobs.ts';
import { checkItems } from './items.ts';

export type ConcurrencyPolicy = 'Allow' | 'Forbid' | 'Replace';

export interface ExecutionPlan {
  readonly taskCount: number;
  /** Tasks at once. */
  readonly parallelism: number;
  /** Attempts of a task beyond the first. */
  readonly maxRetries: number;
  /** Of one attempt. */
  readonly timeoutSeconds: number;
  /** Of the whole, from its admission on. */
  readonly deadlineSeconds?: number;
  /** Until its admission; absent: as long as it takes. */
  readonly queueTimeoutSeconds?: number;
  /** How long running tasks may go on once it is cancelled. */
  readonly graceSeconds: number;
  readonly concurrencyPolicy: ConcurrencyPolicy;
  /** The input of each task, by index. */
  readonly items?: readonly unknown[];
  /** Exactly one of `call` and `pod`. */
  readonly call?: { readonly function: string; readonly export?: string; readonly args: readonly unknown[] };
  /** Its containers have the identity of the JobDefinition. */
  readonly hasIdentity?: true;
  /** As in a PodSpec, with one container. */
  readonly pod?: {
    readonly containers: readonly object[];
    readonly volumes?: readonly object[];
    readonly serviceAccountName?: string;
    readonly imagePullSecrets?: readonly { readonly name: string }[];
  };
}

export const planOf = (run: Run): ExecutionPlan => run.spec as ExecutionPlan;

/** What becomes of a run while others of its job are open. */
export const concurrencyPolicyOf = (run: Run): ConcurrencyPolicy =>
  run.kind === 'execution' && run.job !== '' ? planOf(run).concurrencyPolicy : 'Allow';

/** What a run of the definition with these overrides does. Throws Invalid with the field. */
export function planExecution(definition: JobDefinitionSpec, overrides: ExecutionOverrides = {}): ExecutionPlan {
  const { spec: execution } = definition.template;
  const { spec: task } = execution.template;
  // Whoever gives one of the two anew does not mean the definition's other one.
  const items = overrides.items ?? (overrides.taskCount === undefined ? execution.items : undefined);
  const taskCount = overrides.taskCount ?? (overrides.items ? undefined : execution.taskCount) ?? items?.length ?? 1;
  if (items && items.length !== taskCount) {
    throw new TsumugiError('Invalid', `there are ${items.length} items for ${taskCount} tasks`, {
      field: 'spec.template.spec.taskCount',
      hint: 'leave taskCount away: there is one task for each item',
    });
  }
  if (items && !task.call) checkItems(items);
  return {
    taskCount,
    parallelism: overrides.parallelism ?? execution.parallelism,
    maxRetries: task.maxRetries,
    timeoutSeconds: overrides.timeoutSeconds ?? task.timeoutSeconds,
    ...(execution.activeDeadlineSeconds !== undefined && { deadlineSeconds: execution.activeDeadlineSeconds }),
    ...(execution.queueTimeoutSeconds !== undefined && { queueTimeoutSeconds: execution.queueTimeoutSeconds }),
    graceSeconds: task.terminationGracePeriodSeconds,
    concurrencyPolicy: definition.concurrencyPolicy,
    ...(items && { items }),
    ...(definition.permissions && { hasIdentity: true as const }),
    ...what(task, overrides),
  };
}

function what(
  task: JobDefinitionSpec['template']['spec']['template']['spec'],
  overrides: ExecutionOverrides,
): Pick<ExecutionPlan, 'call' | 'pod'> {
  const { call, containers, volumes, serviceAccountName, imagePullSecrets } = task;
  if (call) {
    if (overrides.env && overrides.env.length > 0) {
      throw new TsumugiError('Invalid', 'the tasks are calls of a function, which has variables of its own', {
        field: 'spec.env',
        hint: 'give it as an argument or as an item',
      });
    }
    const { function: name, export: wanted, args = [] } = call;
    return { call: { function: name, ...(wanted !== undefined && { export: wanted }), args: overrides.args ?? args } };
  }
  const [container] = (containers ?? []) as readonly Container[];
  if (!container)
    throw new TsumugiError('Invalid', 'there is neither a container nor a call', { field: 'spec.template.spec.template.spec' });
  const odd = overrides.args?.findIndex((each) => typeof each !== 'string') ?? -1;
  if (odd >= 0) {
    throw new TsumugiError('Invalid', `argument ${odd} is ${JSON.stringify(overrides.args?.[odd])}: those of a container are texts`, {
      field: `spec.args[${odd}]`,
    });
  }
  const given = new Set(overrides.env?.map(({ name }) => name));
  const env = [...(container.env ?? []).filter(({ name }) => !given.has(name)), ...(overrides.env ?? [])];
  return {
    pod: {
      containers: [
        {
          ...container,
          ...(overrides.args && { args: overrides.args as readonly string[] }),
          ...(env.length > 0 && { env }),
        },
      ],
      ...(volumes && { volumes }),
      ...(serviceAccountName !== undefined && { serviceAccountName }),
      ...(imagePullSecrets && { imagePullSecrets }),
    },
  };
}
