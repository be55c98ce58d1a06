import type { Command } from 'commander';
import { packageVersion } from '../../processes/version.ts';
import { print } from '../output.ts';

/** `tsumugi version`: of this program. */
export function register(program: Command): void {
  program
    .command('version')
    .description('print the version of this program')
    .addHelpText('after', '\nExamples:\n  tsumugi version')
    .action(() => print(packageVersion()));
  program.version(packageVersion(), '-V, --version', 'print the version of this program');
}
