import type { Command } from 'commander';
import { platformOptions } from '../flags.ts';
import { type DefinitionFlags, definitionOptions, sharedOptions } from '../jobs/definition.ts';
import type { RunFlags } from '../jobs/run.ts';
import { collect } from '../values.ts';
import { deleteCommand, listCommand } from './function.ts';
import { show } from './get.ts';

interface WriteFlags extends DefinitionFlags {
  readonly labels?: string[];
}

/** `tsumugi job create|run|get|list|update|delete`. */
export function register(program: Command, exit: (code: number) => void): void {
  const noun = program
    .command('job')
    .alias('jobs')
    .alias('jd')
    .description('jobs: templates of what runs to its end, and their executions');
  platformOptions(
    definitionOptions(
      noun
        .command('create')
        .description('make a job of a container or of a function')
        .argument('<name>', 'name of the job')
        .argument('[command...]', 'behind `--`: what the container runs'),
    ).option('--labels <K=V,…>', 'labels of the job', collect),
  )
    .addHelpText(
      'after',
      `
Examples:
  tsumugi job create hello --image host -- sh -c 'echo hello from task $CLOUD_RUN_TASK_INDEX'
  tsumugi job create report --image host --command /opt/report/run --args --all,--since=today --env LOG_LEVEL=debug
  tsumugi job create squares --function square --tasks 100 --parallelism 8
  tsumugi job create resize --function resize --items images.json --max-retries 1 --task-timeout 30s`,
    )
    .action(async (name: string, words: string[], flags: WriteFlags) => {
      const { createJob } = await import('../jobs/write.ts');
      await createJob(name, words, flags);
    });
  platformOptions(
    definitionOptions(
      noun
        .command('update')
        .description('change a job; executions that there are stay as they are')
        .argument('<name>', 'which')
        .argument('[command...]', 'behind `--`: what the container runs'),
    ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  tsumugi job update report --env LOG_LEVEL=info --tasks 4\n  tsumugi job update squares --function cube',
    )
    .action(async (name: string, words: string[], flags: DefinitionFlags) => {
      const { updateJob } = await import('../jobs/write.ts');
      await updateJob(name, words, flags);
    });
  platformOptions(
    sharedOptions(noun.command('run').description('start an execution of a job').argument('<name>', 'which'))
      .option('--wait', 'wait until it has ended; exit code 1 when it failed')
      .option('--name <name>', 'name of the execution (default: one is made)')
      .option('--labels <K=V,…>', 'labels of the execution', collect)
      .option('-o, --output <text|json|yaml|name>', 'how the execution is shown', 'text'),
  )
    .addHelpText(
      'after',
      `
Ctrl-C ends the waiting, not the execution.

Examples:
  tsumugi job run report
  tsumugi job run report --wait --args --since=yesterday --env LOG_LEVEL=debug
  tsumugi job run squares --tasks 1000 --parallelism 16 --wait
  tsumugi job run resize --items more.json -o name`,
    )
    .action(async (name: string, flags: RunFlags) => {
      const { runJob } = await import('../jobs/run.ts');
      exit(await runJob(name, flags));
    });
  platformOptions(
    noun
      .command('get')
      .description('show jobs')
      .argument('<names...>', 'which')
      .option('-o, --output <table|wide|json|yaml|name>', 'how it is shown', 'table'),
  )
    .addHelpText('after', '\nExamples:\n  tsumugi job get report\n  tsumugi job get report -o yaml')
    .action((names: string[], flags: { output: string }) => show('jobdefinitions', names, flags));
  listCommand(noun, 'jobdefinitions');
  deleteCommand(noun, 'jobdefinitions');
}
