import type { Command } from 'commander';
import { TsumugiError } from '../../base/errors.ts';
import { gatewayOption, platformOptions } from '../flags.ts';
import type { PlatformFlags } from '../platform.ts';

/** `tsumugi call NAME[.EXPORT] ARG…`: calls an exported function with JSON arguments and prints its JSON result. */
export function register(program: Command): void {
  gatewayOption(
    platformOptions(
      program
        .command('call')
        .description('call an exported function with JSON arguments')
        .argument('<name>', 'function, or FUNCTION.EXPORT')
        .argument('[args...]', 'arguments, each as JSON'),
    ),
  )
    .addHelpText(
      'after',
      `
Without EXPORT: the export named like the function, else the only one.

Examples:
  tsumugi call math.add 2 3
  tsumugi call greet '"Ada"' '{"polite":true}'`,
    )
    .action(async (name: string, args: string[], flags: PlatformFlags) => {
      const body = `[${args.map(checkJson).join(',')}]`;
      const [{ connect }, { readText, codedError, logsCommand }] = await Promise.all([
        import('../platform.ts'),
        import('../../client/http.ts'),
      ]);
      const platform = await connect(flags);
      const at = name.indexOf('.');
      const path =
        at === -1 ? `/call/${name}.${platform.namespace}` : `/call/${name.slice(0, at)}.${platform.namespace}/${name.slice(at + 1)}`;
      const response = await platform.call(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      const text = await readText(response);
      const status = response.statusCode ?? 500;
      const logs = logsCommand(at === -1 ? name : name.slice(0, at), platform.namespace);
      if (status >= 400) throw codedError(text, logs) ?? new TsumugiError('Internal', `${name} answered ${status}: ${text.slice(0, 500)}`);
      if (text !== '') process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    });
}

function checkJson(text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch {
    throw new TsumugiError('Usage', `the argument ${text} is no JSON`, { hint: `a string needs its quotes: '${JSON.stringify(text)}'` });
  }
}
