import type { Command } from 'commander';
import { platformOptions } from '../flags.ts';
import type { LogFlags, ShowFlags, TaskListFlags } from '../jobs/executions.ts';

/** `tsumugi task list|get|logs`. */
export function register(program: Command): void {
  const noun = program.command('task').alias('tasks').description('tasks of executions: each index, with its attempts');
  const load = () => import('../jobs/executions.ts');
  platformOptions(
    noun
      .command('list')
      .description('list the tasks of an execution')
      .argument('<execution>', 'of which')
      .option('--status <list>', 'only pending, running, succeeded, failed, cancelled; several with commas')
      .option('--limit <number>', 'at most so many', '100')
      .option('-o, --output <table|wide|json|yaml|name>', 'how it is shown', 'table'),
  )
    .addHelpText('after', '\nExamples:\n  tsumugi task list squares-x7k2p\n  tsumugi task list squares-x7k2p --status failed -o wide')
    .action(async (execution: string, flags: TaskListFlags) => (await load()).listTasks(execution, flags));
  platformOptions(
    noun
      .command('get')
      .description('show a task')
      .argument('<execution/index>', 'which, as squares-x7k2p/3')
      .option('-o, --output <table|wide|json|yaml|name>', 'how it is shown', 'table'),
  )
    .addHelpText('after', '\nExamples:\n  tsumugi task get squares-x7k2p/3 -o yaml')
    .action(async (name: string, flags: ShowFlags) => (await load()).getTask(name, flags));
  platformOptions(
    noun
      .command('logs')
      .description('print what a task wrote')
      .argument('<execution/index>', 'which, as squares-x7k2p/3')
      .option('-f, --follow', 'go on until it has ended')
      .option('--tail <lines>', 'only the last lines')
      .option('--timestamps', 'put the time before each line'),
  )
    .addHelpText('after', '\nExamples:\n  tsumugi task logs squares-x7k2p/3 -f')
    .action(async (name: string, flags: LogFlags) => (await load()).printLogs(name, flags));
}
