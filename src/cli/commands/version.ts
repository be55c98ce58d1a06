import type { Command } from 'commander';
import { packageVersion } from '../../processes/version.ts';

/** `tsumugi version`: of this program. */
export function register(program: Command): void {
  program
    .command('version')
    .description('print the version of this program')
    .addHelpText('after', '\nExamples:\n  tsumugi version')
    .action(() => void process.stdout.write(`${packageVersion()}\n`));
  program.version(packageVersion(), '-V, --version', 'print the version of this program');
}
