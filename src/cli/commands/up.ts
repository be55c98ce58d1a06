import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { settingOptions } from '../setting-options.ts';
import { readSettings, settingTable } from '../../processes/settings.ts';

/** `tsumugi up [DIR]`: the whole platform on this machine, until Ctrl-C. */
export function register(program: Command, exit: (code: number) => void): void {
  const command = program
    .command('up')
    .description('start the platform on this machine and deploy a folder')
    .argument('[dir]', 'folder whose files are functions and whose *.yaml are manifests');
  settingOptions(command, settingTable)
    .addHelpText(
      'after',
      `
Every top-level *.ts, *.mts, *.js or *.mjs of DIR, and every subfolder with an index, is a function named after it.

Examples:
  tsumugi up                         an empty platform, data in ./.tsumugi
  tsumugi up examples/hello          with the functions of a folder
  tsumugi up functions --port 9000 --data /tmp/try`,
    )
    .action(async (dir: string | undefined, flags: Record<string, string>) => {
      const { up } = await import('../../processes/up.ts');
      const bin = fileURLToPath(new URL('../../../bin/tsumugi.js', import.meta.url));
      exit(await up(readSettings(flags, process.env), { ...(dir === undefined ? {} : { dir }), command: [process.execPath, bin] }));
    });
}
