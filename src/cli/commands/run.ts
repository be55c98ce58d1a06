import type { Command } from 'commander';
import { gatewayOption, platformOptions } from '../flags.ts';
import type { PlatformFlags } from '../platform.ts';
import { isPlugin } from '../program.ts';

/** `tsumugi run SCRIPT`: a program with top-level `await`, connected to the platform. Its output alone goes to stdout. */
export function register(program: Command, exit: (code: number) => void): void {
  gatewayOption(
    platformOptions(
      program
        .command('run')
        .description('run a script that is connected to the platform')
        .argument('<script>', 'TypeScript or JavaScript file')
        .argument('[args...]', 'its arguments, behind --'),
    ),
  )
    .addHelpText(
      'after',
      `
The script imports what it needs from 'tsumugi/client'; call and Kube are there without an import.

Examples:
  tsumugi run nightly.ts
  tsumugi run import.ts -n shop -- --from orders.csv`,
    )
    .action(async (script: string, args: string[], flags: PlatformFlags) => {
      const { runScript } = await import('../run-script.ts');
      exit(await runScript(script, args, { ...flags, lookAround: !isPlugin }));
    });
}
