import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import { TsumugiError } from '../../base/errors.ts';
import { didYouMean } from '../../base/suggest.ts';
import type { DeployLine } from '../../processes/deploy-folder.ts';
import type { FunctionWishes } from '../deploy.ts';
import { platformOptions } from '../flags.ts';
import { permissionWords } from '../permissions.ts';
import type { PlatformFlags } from '../platform.ts';
import { asTyped } from '../program.ts';
import { collect, parseChoice, parseCount, parsePair, parseSeconds } from '../values.ts';

export interface DeployFlags extends PlatformFlags {
  readonly name?: string;
  readonly runtime?: string;
  readonly handler?: string;
  readonly env?: string[];
  readonly secret?: string[];
  readonly config?: string[];
  readonly visibility?: string;
  readonly reuse?: string;
  readonly permission?: string[];
  readonly concurrency?: string;
  readonly minScale?: string;
  readonly maxScale?: string;
  readonly timeout?: string;
  readonly idleTimeout?: string;
  readonly wait: boolean;
  readonly waitTimeout: string;
  readonly output: string;
}

/** The options that say how a function shall run; `fn create` has the same. */
export function functionOptions(command: Command): Command {
  return platformOptions(
    command
      .option('--runtime <name>', 'runtime (default: node, for scripts and programs binary)')
      .option('--handler <export>', 'export that answers requests (default "default")')
      .option('--env <K=V>', 'a variable; may be given again', collect)
      .option(
        '--secret <NAME|K=V>',
        'an existing Secret, its keys as variables and files, or one secret value; may be given again',
        collect,
      )
      .option('--config <name>', 'a ConfigMap, its keys as variables and files; may be given again', collect)
      .option('--concurrency <number>', 'requests at once per instance')
      .option('--min-scale <number>', 'instances that always run')
      .option('--max-scale <number>', 'instances at most')
      .option('--timeout <duration>', 'time for one request, as 30s')
      .option('--idle-timeout <duration>', 'an instance without work goes after this')
      .option('--visibility <public|private>', 'private: callers need a token')
      .option('--reuse <always|never>', 'never: each request gets a fresh pod')
      .option(`--permission <${permissionWords.join('|')}>`, 'its code may use this in its namespace; may be given again', collect)
      .option('--wait', 'wait until it is Ready', true)
      .option('--no-wait', 'do not wait')
      .option('--wait-timeout <duration>', 'wait at most so long', '60s')
      .option('-o, --output <text|json>', 'json: one line each', 'text'),
  );
}

/** `tsumugi deploy FILE|DIR`: from a file to a URL. */
export function register(program: Command, exit: (code: number) => void): void {
  functionOptions(
    program
      .command('deploy')
      .description('deploy a file, or each function and manifest of a folder')
      .argument('<path>', 'a TypeScript or JavaScript file, a script or a program; or a folder of functions')
      .option('--name <name>', 'name of the function (default: the file’s, in kebab-case)'),
  )
    .addHelpText(
      'after',
      `
Examples:
  tsumugi deploy hello.ts
  tsumugi deploy api.ts --name orders --env LOG_LEVEL=debug --secret database
  tsumugi deploy api.ts --secret API_KEY=abc --config settings
  tsumugi deploy admin.ts --visibility private
  tsumugi deploy counter.ts --permission store
  tsumugi deploy untrusted.ts --reuse never
  tsumugi deploy counter.sh
  tsumugi deploy nightly.ts --permission jobs --permission store
  tsumugi deploy functions/ --max-scale 20 --timeout 5s`,
    )
    .action(async (path: string, flags: DeployFlags) => exit(await deploy(path, flags)));
}

/** Deploys what is at `path`; answers the exit code. */
export async function deploy(path: string, flags: DeployFlags): Promise<number> {
  if (flags.output !== 'text' && flags.output !== 'json')
    throw new TsumugiError('Usage', `--output is "${flags.output}"`, { hint: 'allowed: text, json' });
  const options = {
    wishes: readWishes(flags),
    waitSeconds: flags.wait ? parseSeconds('--wait-timeout', flags.waitTimeout) : 0,
    warn: (text: string) => void process.stderr.write(`${text}\n`),
  };
  const { readdirSync, statSync } = await import('node:fs');
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory();
  if (isFolder === undefined) {
    const beside = statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory() ? readdirSync(dirname(path)) : [];
    const hint = didYouMean(basename(path), beside);
    throw new TsumugiError('NotFound', `there is no file or folder ${path}`, hint === undefined ? {} : { hint });
  }
  if (isFolder && flags.name !== undefined)
    throw new TsumugiError('Usage', '--name names one function, and a folder may hold many', {
      hint: `deploy one file: tsumugi deploy ${join(path, 'FILE.ts')} --name ${flags.name}`,
    });

  const [{ connect }, { deployPath }, { stopEsbuild }] = await Promise.all([
    import('../platform.ts'),
    import('../deploy-path.ts'),
    import('../../build/esbuild.ts'),
  ]);
  const platform = await connect(flags);
  const tell = flags.output === 'json' ? jsonLine : textLine;
  if (flags.output === 'text') process.stderr.write(`deploying to ${platform.where}, namespace ${platform.namespace}\n`);
  try {
    const failed = await deployPath(platform, path, {
      ...options,
      isFolder,
      // One that somebody waits for; a folder may hold very many, and each would start an instance.
      prove: flags.wait && !isFolder,
      tell,
      ...(flags.name === undefined ? {} : { name: flags.name }),
    });
    return failed === 0 ? 0 : 1;
  } finally {
    await stopEsbuild();
  }
}

/** A name that only pods resolve. */
const isInside = (url: string): boolean => URL.parse(url)?.hostname.endsWith('.svc') ?? false;

function jsonLine(line: DeployLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function textLine(line: DeployLine): void {
  if (line.type === 'plan') return;
  if (line.error !== undefined) {
    const hint = line.type === 'function' ? (line.hint ?? `\`tsumugi logs ${line.name} -n ${line.namespace}\` may say more`) : undefined;
    process.stderr.write(`error: ${line.name}: ${line.error}\n${hint === undefined ? '' : ` hint: ${asTyped(hint)}\n`}`);
  } else if (line.type === 'manifest') process.stdout.write(`${line.kind}/${line.name} ${line.result}\n`);
  else {
    const state = line.ready ? `ready in ${(line.ms / 1000).toFixed(2)} s` : 'deployed';
    process.stdout.write(`${[line.name, line.url, state].filter(Boolean).join('   ')}\n`);
    if (isInside(line.url))
      process.stderr.write(
        `the URL is one inside of the cluster; from here: ${asTyped(`tsumugi invoke ${line.name}${line.namespace === 'default' ? '' : ` -n ${line.namespace}`}`)}\n`,
      );
  }
}

function readWishes(flags: DeployFlags): FunctionWishes {
  const given = flags.secret ?? [];
  const count = (flag: string, value: string | undefined, min = 0) => (value === undefined ? undefined : parseCount(flag, value, min));
  const seconds = (flag: string, value: string | undefined) => (value === undefined ? undefined : parseSeconds(flag, value));
  return definedOnly({
    runtime: flags.runtime,
    handler: flags.handler,
    env: (flags.env ?? []).map((pair) => parsePair('--env', pair)),
    secrets: given.filter((each) => !each.includes('=')),
    configMaps: flags.config ?? [],
    visibility: flags.visibility && parseChoice('--visibility', flags.visibility, ['public', 'private']),
    reuse: flags.reuse && parseChoice('--reuse', flags.reuse, ['always', 'never']),
    permissions: (flags.permission ?? []).map((word) => parseChoice('--permission', word, permissionWords)),
    secretValues: given.filter((each) => each.includes('=')).map((pair) => parsePair('--secret', pair)),
    concurrency: count('--concurrency', flags.concurrency, 1),
    minScale: count('--min-scale', flags.minScale),
    maxScale: count('--max-scale', flags.maxScale, 1),
    timeoutSeconds: seconds('--timeout', flags.timeout),
    idleTimeoutSeconds: seconds('--idle-timeout', flags.idleTimeout),
  });
}

function definedOnly(wishes: { [K in keyof FunctionWishes]-?: FunctionWishes[K] | undefined }): FunctionWishes {
  return Object.fromEntries(Object.entries(wishes).filter(([, value]) => value !== undefined)) as unknown as FunctionWishes;
}
