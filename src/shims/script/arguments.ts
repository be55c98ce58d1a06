import { TsumugiError } from '../../base/errors.ts';

/** Whether the image is to run a script. */
export const wantsScript = (argv: readonly string[]): boolean => argv.some((text) => text === '--script' || text.startsWith('--script='));

/** `--script FILE` or `--script=FILE`; what follows it is the script's. */
export function parseScriptArguments(argv: readonly string[]): { readonly file: string; readonly args: readonly string[] } {
  const [first = '', second = ''] = argv;
  const [file, args] = first === '--script' ? [second, argv.slice(2)] : [first.replace(/^--script=/, ''), argv.slice(1)];
  if (file === '' || file === first)
    throw new TsumugiError('Usage', `the arguments are ${JSON.stringify(argv)}`, {
      hint: 'allowed: --script=FILE, and then those of the script',
    });
  return { file, args };
}
