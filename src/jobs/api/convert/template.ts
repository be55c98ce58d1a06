/** What a run is made of, as the API shows it. */
import type { Run } from '../../../records/runs.ts';
import type { Container, Volume } from '../../../resources/builtin/pod-types.ts';
import { planOf } from '../../model/plan.ts';
import type { TaskTemplateJson } from '../generated/template.generated.ts';
import { containerToJson, volumeToJson } from './container.ts';
import type { ShownTemplate } from './execution.ts';
import { defined, duration, some } from './json.ts';

/** What a task is, in a JobDefinition and in the plan of a run. */
export interface TaskParts {
  readonly call?: { readonly function: string; readonly export?: string; readonly args?: readonly unknown[] };
  readonly containers?: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly serviceAccountName?: string;
  readonly maxRetries: number;
  readonly timeoutSeconds: number;
  readonly terminationGracePeriodSeconds: number;
}

export function taskTemplateToJson(parts: TaskParts): TaskTemplateJson {
  const { call, containers, volumes, serviceAccountName, maxRetries, timeoutSeconds, terminationGracePeriodSeconds } = parts;
  return defined({
    call: call && { ...call, args: [...(call.args ?? [])] as NonNullable<TaskTemplateJson['call']>['args'] },
    containers: some(containers?.map(containerToJson)),
    volumes: some(volumes?.map(volumeToJson)),
    serviceAccount: serviceAccountName,
    maxRetries,
    timeout: duration(timeoutSeconds),
    terminationGracePeriod: duration(terminationGracePeriodSeconds),
  }) as TaskTemplateJson;
}

/** Runs that are no executions of a job say what they do to their driver alone. */
export function templateOfRun(run: Run): ShownTemplate {
  if (run.kind !== 'execution') return { template: {}, parallelism: 1, taskCount: 1 };
  const { taskCount, parallelism, maxRetries, timeoutSeconds, deadlineSeconds, queueTimeoutSeconds, graceSeconds, call, pod } = planOf(run);
  const parts: TaskParts = {
    maxRetries,
    timeoutSeconds,
    terminationGracePeriodSeconds: graceSeconds,
    ...(call && { call }),
    ...(pod as Pick<TaskParts, 'containers' | 'volumes'>),
  };
  return {
    taskCount,
    parallelism,
    template: taskTemplateToJson(parts),
    ...defined({ deadline: duration(deadlineSeconds), queueTimeout: duration(queueTimeoutSeconds) }),
  };
}
