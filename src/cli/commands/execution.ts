import type { Command } from 'commander';
import { platformOptions } from '../flags.ts';
import type { ListFlags, LogFlags, ShowFlags } from '../jobs/executions.ts';
import type { PlatformFlags } from '../platform.ts';

/** What is done to executions by one call each. */
const changes = [
  { verb: 'cancel', says: 'end executions; what has succeeded stays', method: 'CancelExecution', done: 'cancelled' },
  { verb: 'pause', says: 'start no more tasks', method: 'PauseExecution', done: 'paused' },
  { verb: 'resume', says: 'go on with what was paused', method: 'ResumeExecution', done: 'resumed' },
  {
    verb: 'delete',
    says: 'delete executions with their tasks and logs; one that runs is cancelled',
    method: 'DeleteExecution',
    done: 'deleted',
  },
] as const;

/** `tsumugi execution list|get|cancel|retry|pause|resume|logs|delete`. */
export function register(program: Command, exit: (code: number) => void): void {
  const noun = program.command('execution').alias('executions').alias('ex').description('runs of jobs, also those that have ended');
  const load = () => import('../jobs/executions.ts');
  platformOptions(
    noun
      .command('list')
      .description('list executions, the newest first')
      .option('--job <name>', 'only of this job')
      .option('--status <list>', 'only queued, running, succeeded, failed, cancelled, force-deleted; several with commas')
      .option('--since <duration>', 'only those started since, as 1h')
      .option('-l, --selector <labels>', 'only with these labels, as app=web')
      .option('--limit <number>', 'at most so many', '50')
      .option('-A, --all-namespaces', 'of all namespaces')
      .option('-o, --output <table|wide|json|yaml|name>', 'how it is shown', 'table'),
  )
    .addHelpText(
      'after',
      `
Examples:
  tsumugi execution list --job squares
  tsumugi execution list --status failed,cancelled --since 1h
  tsumugi execution delete $(tsumugi execution list --status succeeded -o name)`,
    )
    .action(async (flags: ListFlags) => (await load()).listExecutions(flags));
  platformOptions(
    noun
      .command('get')
      .description('show executions')
      .argument('<names...>', 'which')
      .option('-o, --output <table|wide|json|yaml|name>', 'how it is shown', 'table'),
  )
    .addHelpText('after', '\nExamples:\n  tsumugi execution get squares-x7k2p\n  tsumugi execution get squares-x7k2p -o yaml')
    .action(async (names: string[], flags: ShowFlags) => (await load()).getExecutions(names, flags));
  for (const { verb, says, method, done } of changes)
    platformOptions(noun.command(verb).description(says).argument('<names...>', 'which'))
      .addHelpText('after', `\nExamples:\n  tsumugi execution ${verb} squares-x7k2p`)
      .action(async (names: string[], flags: PlatformFlags) => (await load()).changeExecutions(names, flags, method, done));
  platformOptions(
    noun
      .command('retry')
      .description('run the failed tasks of an execution again, and only those')
      .argument('<name>', 'which')
      .option('--wait', 'wait until it has ended; exit code 1 when it failed again'),
  )
    .addHelpText('after', '\nExamples:\n  tsumugi execution retry squares-x7k2p --wait')
    .action(async (name: string, flags: PlatformFlags & { wait?: boolean }) => exit(await (await load()).retryExecution(name, flags)));
  platformOptions(
    noun
      .command('logs')
      .description('print what the tasks of an execution wrote')
      .argument('<name>', 'which')
      .option('-f, --follow', 'go on until it has ended')
      .option('--tail <lines>', 'only the last lines')
      .option('--timestamps', 'put the time before each line'),
  )
    .addHelpText(
      'after',
      '\nA line starts with its task.\n\nExamples:\n  tsumugi execution logs squares-x7k2p\n  tsumugi execution logs squares-x7k2p -f --tail 10',
    )
    .action(async (name: string, flags: LogFlags) => (await load()).printLogs(name, flags));
}
