import type { Command } from 'commander';
import { TsumugiError } from '../../base/errors.ts';
import { gatewayOption, platformOptions } from '../flags.ts';
import type { FunctionResource } from '../../resources/function.ts';
import { functions } from '../../resources/resources.ts';
import type { Platform, PlatformFlags } from '../platform.ts';
import { collect } from '../values.ts';

interface InvokeFlags extends PlatformFlags {
  readonly data?: string;
  readonly file?: string;
  readonly request?: string;
  readonly header?: string[];
  readonly path: string;
  readonly include?: boolean;
  readonly platform?: string;
}

/** `tsumugi invoke NAME`: one HTTP request to a function; its answer, and nothing else, goes to stdout. */
export function register(program: Command, exit: (code: number) => void): void {
  gatewayOption(
    platformOptions(
      program
        .command('invoke')
        .description('send an HTTP request to a function')
        .argument('<name>', 'function, or NAME.NAMESPACE')
        .option('-d, --data <text>', 'body (then the method is POST)')
        .option('-f, --file <file>', 'body from a file; - is stdin')
        .option('-X, --request <method>', 'method')
        .option('-H, --header <line>', 'header as "Name: value"; may be given again', collect)
        .option('--path <path>', 'path and query behind the function', '/')
        .option('-i, --include', 'print status and headers of the answer on stderr'),
      '--platform',
    ),
  )
    .addHelpText(
      'after',
      `
Examples:
  tsumugi invoke hello
  tsumugi invoke hello --path '/?name=Ada'
  tsumugi invoke orders -X PUT --data '{"item":1}' -H 'Content-Type: application/json'
  tail -f access.log | tsumugi invoke count --file -`,
    )
    .action(async (name: string, flags: InvokeFlags) => exit(await invoke(name, flags)));
}

async function invoke(name: string, { data, file, platform: folder, ...flags }: InvokeFlags): Promise<number> {
  if (data !== undefined && file !== undefined)
    throw new TsumugiError('Usage', '--data and --file both give the body', { hint: 'use one of them' });
  const headers = Object.fromEntries((flags.header ?? []).map(parseHeader));
  const [{ connect }, { readText, codedError, logsCommand }, { createReadStream }] = await Promise.all([
    import('../platform.ts'),
    import('../../client/http.ts'),
    import('node:fs'),
  ]);
  const platform = await connect({ ...flags, ...(folder === undefined ? {} : { data: folder }) });
  const body = file === '-' ? process.stdin : file !== undefined ? createReadStream(file) : data;
  const target = name.includes('.') ? name : `${name}.${platform.namespace}`;
  const [functionName = '', namespace = ''] = target.split('.');
  const way = (await isPrivate(platform, namespace, functionName)) ? 'call' : 'gateway';
  const response = await platform[way](`/function/${target}${flags.path.startsWith('/') ? '' : '/'}${flags.path}`, {
    method: (flags.request ?? (body === undefined ? 'GET' : 'POST')).toUpperCase(),
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const status = response.statusCode ?? 500;
  if (flags.include) {
    const lines = response.rawHeaders.flatMap((value, index, all) => (index % 2 === 0 ? [`${value}: ${all[index + 1] ?? ''}`] : []));
    process.stderr.write(`HTTP/${response.httpVersion} ${status} ${response.statusMessage ?? ''}\n${lines.join('\n')}\n\n`);
  }
  if (status >= 400 && response.headers['content-type']?.startsWith('application/json')) {
    const text = await readText(response);
    const error = codedError(text, logsCommand(functionName, namespace));
    if (error) throw error;
    process.stdout.write(text);
  } else {
    const { pipeline } = await import('node:stream/promises');
    await pipeline(response, process.stdout, { end: false });
  }
  if (process.stdout.isTTY) process.stdout.write('\n');
  if (status < 400) return 0;
  process.stderr.write(`error: ${target} answered ${status} ${response.statusMessage ?? ''}\n`);
  return 1;
}

/** Only then the platform's token goes along. Who may not read Functions hears from the gateway that it is missing. */
async function isPrivate({ kube }: Platform, namespace: string, name: string): Promise<boolean> {
  const object = await kube.get<FunctionResource>(functions, { namespace, name }).catch(() => undefined);
  return object?.spec.visibility === 'private';
}

function parseHeader(line: string): [string, string] {
  const at = line.indexOf(':');
  if (at < 1) throw new TsumugiError('Usage', `--header is "${line}"`, { hint: "allowed: 'Name: value'" });
  return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
}
