import type { Command } from 'commander';
import { TsumugiError } from '../../base/errors.ts';
import { platformOptions } from '../flags.ts';
import { deleteObjects } from './delete.ts';
import { deploy, functionOptions, type DeployFlags } from './deploy.ts';
import { show } from './get.ts';

/** `tsumugi fn create|list|delete`. */
export function register(program: Command, exit: (code: number) => void): void {
  const noun = program.command('fn').alias('function').description('create, list and delete functions');
  functionOptions(
    noun
      .command('create')
      .description('make a function of a file, as deploy does')
      .argument('[name]', 'name of the function')
      .option('--name <name>', 'the same')
      .option('--code <file>', 'TypeScript or JavaScript file, script or program'),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  tsumugi fn create hello --code hello.ts\n  tsumugi fn create hello --code hello.ts --env GREETING=hi --secret API_KEY=abc --config settings\n  tsumugi fn create --name counter --runtime binary --code counter.sh',
    )
    .action(async (argument: string | undefined, flags: DeployFlags & { code?: string }) => {
      const name = argument ?? flags.name;
      if (name === undefined) throw new TsumugiError('Usage', 'a function needs a name', { hint: 'tsumugi fn create NAME --code FILE' });
      if (argument !== undefined && flags.name !== undefined && argument !== flags.name)
        throw new TsumugiError('Usage', `the function has two names: "${argument}" and --name ${flags.name}`, { hint: 'give one of them' });
      if (flags.code === undefined)
        throw new TsumugiError('Usage', 'a function needs its code', { hint: `tsumugi fn create ${name} --code FILE` });
      exit(await deploy(flags.code, { ...flags, name }));
    });
  listCommand(noun, 'functions');
  deleteCommand(noun, 'functions');
}

/** `list`, the same for every noun. */
export function listCommand(noun: Command, kind: string): void {
  platformOptions(
    noun
      .command('list')
      .description(`list ${kind}`)
      .option('-o, --output <table|wide|json|yaml|name>', 'how it is shown', 'table')
      .option('-A, --all-namespaces', 'of all namespaces'),
  )
    .addHelpText('after', `\nExamples:\n  tsumugi ${noun.name()} list\n  tsumugi ${noun.name()} list -o wide`)
    .action((flags: { output: string; allNamespaces?: boolean }) => show(kind, [], flags));
}

/** `delete`, the same for every noun. */
export function deleteCommand(noun: Command, kind: string): void {
  platformOptions(
    noun
      .command('delete')
      .description(`delete ${kind}`)
      .argument('<names...>', 'which')
      .option('--ignore-not-found', 'what is not there is fine'),
  )
    .addHelpText('after', `\nExamples:\n  tsumugi ${noun.name()} delete old`)
    .action((names: string[], flags: { ignoreNotFound?: boolean }) => deleteObjects(kind, names, flags));
}
