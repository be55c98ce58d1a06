/** From the flags of `job create` and `job update` to a JobDefinition. */
import { TsumugiError } from '../../base/errors.ts';
import type { Container } from '../../resources/builtin/pod-types.ts';
import type { JobDefinitionSpec } from '../../resources/job-definition.ts';
import type { Permissions } from '../../resources/permissions.ts';
import { collect, parseChoice, parseCount, parsePair, parseSeconds } from '../values.ts';
import type { Command } from 'commander';
import { permissionWords, withPermissions } from '../permissions.ts';
import type { PlatformFlags } from '../platform.ts';

export interface DefinitionFlags extends PlatformFlags {
  readonly image?: string;
  readonly command?: string[];
  readonly args?: string[];
  readonly function?: string;
  readonly export?: string;
  readonly env?: string[];
  readonly setEnvVars?: string[];
  readonly cpu?: string;
  readonly memory?: string;
  readonly tasks?: string;
  readonly items?: string;
  readonly parallelism?: string;
  readonly maxRetries?: string;
  readonly taskTimeout?: string;
  readonly deadline?: string;
  readonly queueTimeout?: string;
  readonly concurrencyPolicy?: string;
  readonly permission?: string[];
}

export function definitionOptions(command: Command): Command {
  return sharedOptions(
    command
      .option('--image <image>', 'image of the container; `host` is this machine’s own file system')
      .option('--command <list>', 'what is run instead of the image’s entry point, as sh,-c', collect)
      .option('--function <name>', 'call this function, instead of running a container')
      .option('--export <name>', 'its named export (default: the one it is called by)')
      .option('--cpu <quantity>', 'limit of the container, as 500m')
      .option('--memory <quantity>', 'limit of the container, as 256Mi')
      .option('--max-retries <number>', 'attempts of each task after the first (default 3)')
      .option(`--permission <${permissionWords.join('|')}>`, 'the container may use this in its namespace; may be given again', collect)
      .option('--deadline <duration>', 'for the whole execution')
      .option('--queue-timeout <duration>', 'an execution that waits longer for its turn fails')
      .option('--concurrency-policy <Allow|Forbid|Replace>', 'while another execution runs: a second one, an error, or instead of it'),
  );
}

/** What an execution may say otherwise than its job. */
export function sharedOptions(command: Command): Command {
  return command
    .option('--args <list>', 'arguments, with commas between; of a function each is JSON or text; may be given again', collect)
    .option('--env <K=V>', 'a variable of the container; may be given again', collect)
    .option('--set-env-vars <K=V,…>', 'the same, several at once', collect)
    .option('--tasks <number>', 'how many tasks (default 1)')
    .option('--items <file>', 'a task for each: a JSON array, or lines')
    .option('--parallelism <number>', 'tasks at once')
    .option('--task-timeout <duration>', 'for each attempt of a task, as 10m');
}

/** The spec that the flags make of the present one; without one it is a new job's. `words`: the command after `--`. */
export async function definition(flags: DefinitionFlags, words: readonly string[], present?: JobDefinitionSpec): Promise<object> {
  const { template, permissions, ...job } = present ?? {};
  const { template: task, ...execution } = template?.spec ?? {};
  const { containers, call, ...rest } = task?.spec ?? {};
  const what = isOfFunction(flags, call !== undefined)
    ? { call: callOf(flags, call) }
    : { containers: [containerOf(flags, words, containers?.[0] as Container | undefined)] };
  const allowed = flags.permission ? permitted(permissions, flags.permission) : permissions;
  return {
    ...job,
    ...(allowed && { permissions: allowed }),
    ...(flags.concurrencyPolicy !== undefined && {
      concurrencyPolicy: parseChoice('--concurrency-policy', flags.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']),
    }),
    template: {
      ...template,
      spec: {
        ...execution,
        ...(flags.tasks !== undefined && { taskCount: parseCount('--tasks', flags.tasks, 1) }),
        ...(flags.parallelism !== undefined && { parallelism: parseCount('--parallelism', flags.parallelism, 1) }),
        ...(flags.deadline !== undefined && { activeDeadlineSeconds: parseSeconds('--deadline', flags.deadline) }),
        ...(flags.queueTimeout !== undefined && { queueTimeoutSeconds: parseSeconds('--queue-timeout', flags.queueTimeout) }),
        ...(flags.items !== undefined && { items: await readItems(flags.items) }),
        template: {
          ...task,
          spec: {
            ...rest,
            ...what,
            ...(flags.maxRetries !== undefined && { maxRetries: parseCount('--max-retries', flags.maxRetries) }),
            ...(flags.taskTimeout !== undefined && { timeoutSeconds: parseSeconds('--task-timeout', flags.taskTimeout) }),
          },
        },
      },
    },
  };
}

function permitted(present: Permissions | undefined, given: readonly string[]): object | undefined {
  const wanted = withPermissions(
    present,
    given.map((word) => parseChoice('--permission', word, permissionWords)),
  );
  return wanted ? Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== null)) : undefined;
}

function isOfFunction(flags: DefinitionFlags, isNow: boolean): boolean {
  if (flags.function !== undefined && flags.image !== undefined)
    throw new TsumugiError('Usage', 'a job has a container or a function, not both', { hint: 'give --image or --function' });
  return flags.function !== undefined || (isNow && flags.image === undefined);
}

type Call = NonNullable<JobDefinitionSpec['template']['spec']['template']['spec']['call']>;

function callOf(flags: DefinitionFlags, present: Call | undefined): object {
  const name = flags.function ?? present?.function ?? '';
  for (const flag of ['command', 'env', 'setEnvVars', 'cpu', 'memory'] as const)
    if (flags[flag] !== undefined)
      throw new TsumugiError('Usage', `--${flag === 'setEnvVars' ? 'set-env-vars' : flag} is for containers`, {
        hint: `say it of the function: tsumugi deploy FILE --name ${name}`,
      });
  return {
    ...present,
    function: name,
    ...(flags.export !== undefined && { export: flags.export }),
    ...(flags.args && { args: argumentsOf(flags.args) }),
  };
}

function containerOf(flags: DefinitionFlags, words: readonly string[], present: Container | undefined): object {
  const image = flags.image ?? present?.image;
  if (image === undefined) {
    const hint = 'tsumugi job create NAME --image IMAGE, or --function NAME';
    throw new TsumugiError('Usage', 'a job needs a container or a function', { hint });
  }
  if (words.length > 0 && flags.command)
    throw new TsumugiError('Usage', 'the command is given twice', { hint: 'behind `--`, or with --command' });
  const command = words.length > 0 ? [...words] : flags.command && listOf(flags.command);
  const limits = { ...(flags.cpu !== undefined && { cpu: flags.cpu }), ...(flags.memory !== undefined && { memory: flags.memory }) };
  const env = variables(flags);
  return {
    ...present,
    name: present?.name ?? 'main',
    image,
    ...(command && { command }),
    ...(flags.args && { args: listOf(flags.args) }),
    ...(env.length > 0 && { env: merged(present?.env ?? [], env) }),
    ...(Object.keys(limits).length > 0 && { resources: { ...present?.resources, limits: { ...present?.resources?.limits, ...limits } } }),
  };
}

interface Variable {
  readonly name: string;
  readonly value?: string;
}

/** `--env` and `--set-env-vars`. */
export function variables({ env = [], setEnvVars = [] }: Pick<DefinitionFlags, 'env' | 'setEnvVars'>): readonly Variable[] {
  const pairs = [
    ...env.map((each) => parsePair('--env', each)),
    ...setEnvVars.flatMap((each) => each.split(',')).map((each) => parsePair('--set-env-vars', each)),
  ];
  return pairs.map(([name, value]) => ({ name, value }));
}

const merged = (present: readonly Variable[], wanted: readonly Variable[]): readonly Variable[] => [
  ...present.filter(({ name }) => !wanted.some((each) => each.name === name)),
  ...wanted,
];

/** `a,b` */
export const listOf = (given: readonly string[]): string[] => given.flatMap((each) => each.split(','));

/** Arguments of a call: a JSON array, or parts between commas, each JSON or else text. */
export function argumentsOf(given: readonly string[]): unknown[] {
  return given.flatMap((each) => {
    const whole = jsonOf(each);
    if (Array.isArray(whole)) return whole as unknown[];
    if (whole !== undefined) return [whole];
    return each.split(',').map((part) => jsonOf(part) ?? part);
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A file of items: a JSON array, else its lines, each JSON or else text. `-`: stdin. */
export async function readItems(file: string): Promise<unknown[]> {
  const { readFile } = await import('node:fs/promises');
  const { text: whole } = await import('node:stream/consumers');
  const text = file === '-' ? await whole(process.stdin) : await readFile(file, 'utf8');
  const json = jsonOf(text);
  if (Array.isArray(json)) return json as unknown[];
  const items = text.split('\n').filter((line) => line.trim() !== '');
  if (items.length === 0) throw new TsumugiError('Usage', `${file} has no items`, { hint: 'a JSON array, or one item a line' });
  return items.map((line) => jsonOf(line) ?? line);
}
