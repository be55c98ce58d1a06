import type { Command } from 'commander';
import { type ClusterFlags, clusterOptions } from './install.ts';

export interface UninstallFlags extends ClusterFlags {
  readonly data?: boolean;
  readonly yes?: boolean;
}

/** `tsumugi uninstall`: nothing of the platform stays; what users declared does, unless `--data`. */
export function register(program: Command, exit: (code: number) => void): void {
  clusterOptions(program.command('uninstall').description('take the platform off a Kubernetes cluster'))
    .option('--data', 'its kinds too, and with them every Function, Route, Revision and Runtime')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `
Functions stay declared, and run again after the next \`tsumugi install\`; with --data nothing stays.
A database is never touched.

Examples:
  tsumugi uninstall
  tsumugi uninstall --data`,
    )
    .action(async (flags: UninstallFlags) => {
      const { uninstall } = await import('../install.ts');
      exit(await uninstall(flags));
    });
}
