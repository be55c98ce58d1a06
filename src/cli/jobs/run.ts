/** `job run`: starts an execution, and follows it. */
import type { ExecutionJson } from '../../jobs/api/generated/execution.generated.ts';
import type { JobJson, RunJobRequest_OverridesJson, RunJobRequestJson } from '../../jobs/api/generated/job.generated.ts';
import { call } from '../../client/rpc.ts';
import { connect, type Platform, type PlatformFlags } from '../platform.ts';
import { parseChoice, parseCount, parseLabels, parseSeconds } from '../values.ts';
import { argumentsOf, type DefinitionFlags, listOf, readItems, variables } from './definition.ts';
import { follow } from './follow.ts';
import { executionColumns, lastOf, parseOutput, print } from './shown.ts';

type SharedFlags = Pick<DefinitionFlags, 'args' | 'env' | 'setEnvVars' | 'tasks' | 'items' | 'parallelism' | 'taskTimeout'>;

export interface RunFlags extends PlatformFlags, SharedFlags {
  readonly wait?: boolean;
  readonly name?: string;
  readonly labels?: string[];
  readonly output: string;
}

/** Answers the exit code. */
export async function runJob(job: string, flags: RunFlags): Promise<number> {
  const output = parseChoice('--output', flags.output, ['text', 'json', 'yaml', 'name']);
  const platform = await connect(flags);
  const name = `namespaces/${platform.namespace}/jobs/${job}`;
  const labels = parseLabels('--labels', flags.labels);
  const request: RunJobRequestJson = {
    name,
    overrides: await overrides(platform, name, flags),
    ...(flags.name !== undefined && { executionId: flags.name }),
    ...(labels && { labels }),
  };
  const execution = await call<ExecutionJson>(platform, 'Jobs/RunJob', request);
  const shown = lastOf(execution.name);
  if (output === 'text') process.stdout.write(`execution ${shown} started\n`);
  else await print([execution], executionColumns(false), parseOutput(output), true);
  if (flags.wait) return follow(platform, execution.name ?? '');
  if (output === 'text') process.stderr.write(` see: tsumugi execution get ${shown}\n`);
  return 0;
}

async function overrides(platform: Platform, name: string, flags: SharedFlags): Promise<RunJobRequest_OverridesJson> {
  const env = variables(flags).map(({ name: variable, value = '' }) => ({ name: variable, value }));
  const args = flags.args && (await argumentsFor(platform, name, flags.args));
  return {
    ...((env.length > 0 || args?.args) && {
      containerOverrides: [{ ...(args?.args && { args: args.args, clearArgs: args.args.length === 0 }), ...(env.length > 0 && { env }) }],
    }),
    ...(args?.callArgs && { callArgs: args.callArgs }),
    ...(flags.tasks !== undefined && { taskCount: parseCount('--tasks', flags.tasks, 1) }),
    ...(flags.parallelism !== undefined && { parallelism: parseCount('--parallelism', flags.parallelism, 1) }),
    ...(flags.taskTimeout !== undefined && { timeout: `${parseSeconds('--task-timeout', flags.taskTimeout)}s` }),
    ...(flags.items !== undefined && { items: (await readItems(flags.items)) as NonNullable<RunJobRequest_OverridesJson['items']> }),
  };
}

interface Arguments {
  readonly args?: string[];
  readonly callArgs?: NonNullable<RunJobRequest_OverridesJson['callArgs']>;
}

/** A container gets words, a function gets values: which it is, the job says. */
async function argumentsFor(platform: Platform, name: string, given: readonly string[]): Promise<Arguments> {
  const { template } = await call<JobJson>(platform, 'Jobs/GetJob', { name });
  if (!template?.template?.call) return { args: given.length === 1 && given[0] === '' ? [] : listOf(given) };
  return { callArgs: argumentsOf(given) as NonNullable<Arguments['callArgs']> };
}
