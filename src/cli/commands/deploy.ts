import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { TsumugiError, toError } from '../../base/errors.ts';
import type { DeployedFunction, DeployLine } from '../../processes/deploy-folder.ts';
import type { FunctionWishes } from '../deploy.ts';
import { platformOptions } from '../flags.ts';
import type { Platform, PlatformFlags } from '../platform.ts';
import { collect, parseCount, parsePair, parseSeconds } from '../values.ts';

export interface DeployFlags extends PlatformFlags {
  readonly name?: string;
  readonly runtime?: string;
  readonly handler?: string;
  readonly env?: string[];
  readonly secret?: string[];
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
      .option('--runtime <name>', 'runtime (default node)')
      .option('--handler <export>', 'export that answers requests (default "default")')
      .option('--env <K=V>', 'a variable; may be given again', collect)
      .option('--secret <NAME|K=V>', 'the keys of an existing Secret as variables, or one secret variable; may be given again', collect)
      .option('--concurrency <number>', 'requests at once per instance')
      .option('--min-scale <number>', 'instances that always run')
      .option('--max-scale <number>', 'instances at most')
      .option('--timeout <duration>', 'time for one request, as 30s')
      .option('--idle-timeout <duration>', 'an instance without work goes after this')
      .option('--no-wait', 'do not wait until it is Ready')
      .option('--wait-timeout <duration>', 'wait at most so long', '60s')
      .option('-o, --output <form>', 'text or json (one line each)', 'text'),
  );
}

/** `tsumugi deploy FILE|DIR`: from a file to a URL. */
export function register(program: Command, exit: (code: number) => void): void {
  functionOptions(
    program
      .command('deploy')
      .description('deploy a file, or each function and manifest of a folder')
      .argument('<path>', 'a TypeScript or JavaScript file, or a folder of them')
      .option('--name <name>', 'name of the function (default: the file’s, in kebab-case)'),
  )
    .addHelpText(
      'after',
      `
Examples:
  tsumugi deploy hello.ts
  tsumugi deploy api.ts --name orders --env LOG_LEVEL=debug --secret database
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
  const { statSync } = await import('node:fs');
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory();
  if (isFolder === undefined) throw new TsumugiError('NotFound', `there is no file or folder ${path}`);
  if (isFolder && flags.name !== undefined)
    throw new TsumugiError('Usage', '--name names one function, and a folder may hold many', {
      hint: `deploy one file: tsumugi deploy ${join(path, 'FILE.ts')} --name ${flags.name}`,
    });

  const [{ connect }, { deployFunction }, { discover }, { functionName }, { progress }, { stopEsbuild }] = await Promise.all([
    import('../platform.ts'),
    import('../deploy.ts'),
    import('../../build/discover.ts'),
    import('../../build/names.ts'),
    import('../output.ts'),
    import('../../build/esbuild.ts'),
  ]);
  const platform = await connect(flags);
  const tell = flags.output === 'json' ? jsonLine : textLine(platform);
  if (flags.output === 'text') process.stderr.write(`deploying to ${platform.where}, namespace ${platform.namespace}\n`);
  try {
    const found = isFolder
      ? await discover(path)
      : { functions: [{ name: flags.name ?? functionName(nameBase(path)), file: path }], manifests: [] };
    tell({ type: 'plan', functions: found.functions.map(({ name }) => `${platform.namespace}/${name}`) });
    await applyManifests(platform, found.manifests, tell);
    let failed = 0;
    for (const { name, file } of found.functions) {
      const result = await progress(`deploying ${name}`, () =>
        deployFunction(platform, name, file, options).catch((error: unknown) => asFailure(platform, name, error, isFolder)),
      );
      tell(result);
      if (result.error !== undefined) failed += 1;
    }
    return failed === 0 ? 0 : 1;
  } finally {
    await stopEsbuild();
  }
}

/** `functions/hello/index.ts` is `hello`. */
function nameBase(path: string): string {
  const base = basename(path);
  return /^index\.[cm]?[jt]s$/.test(base) ? basename(join(path, '..')) : base;
}

async function applyManifests(platform: Platform, manifests: readonly string[], tell: (line: DeployLine) => void): Promise<void> {
  if (manifests.length === 0) return;
  const [{ applyAll, readManifests }, { discoverKinds }] = await Promise.all([import('../apply.ts'), import('../kinds.ts')]);
  await applyAll(platform, await discoverKinds(platform.api), await readManifests(manifests), (kind, { metadata }, result) =>
    tell({
      type: 'manifest',
      kind: kind.singular,
      name: metadata.name,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      result,
    }),
  );
}

/** One broken file of a folder does not keep the others from being deployed. */
function asFailure(platform: Platform, name: string, thrown: unknown, isFolder: boolean): DeployedFunction {
  if (!isFolder) throw thrown;
  const error = toError(thrown);
  const hint = error instanceof TsumugiError ? error.hint : undefined;
  return {
    type: 'function',
    namespace: platform.namespace,
    name,
    ready: false,
    url: '',
    revision: '',
    exports: [],
    ms: 0,
    error: error.message,
    ...(hint ? { hint } : {}),
  };
}

function jsonLine(line: DeployLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const textLine =
  (platform: Platform) =>
  (line: DeployLine): void => {
    if (line.type === 'manifest') process.stdout.write(`${line.kind}/${line.name} ${line.result}\n`);
    if (line.type !== 'function') return;
    if (line.error !== undefined)
      process.stderr.write(
        `error: ${line.name}: ${line.error}\n${line.hint ? ` hint: ${line.hint}\n` : ` hint: \`tsumugi logs ${line.name} -n ${platform.namespace}\` may say more\n`}`,
      );
    else process.stdout.write(`${line.name}   ${line.url}   ${line.ready ? `ready in ${(line.ms / 1000).toFixed(2)} s` : 'deployed'}\n`);
  };

function readWishes(flags: DeployFlags): FunctionWishes {
  const given = flags.secret ?? [];
  const count = (flag: string, value: string | undefined, min = 0) => (value === undefined ? undefined : parseCount(flag, value, min));
  const seconds = (flag: string, value: string | undefined) => (value === undefined ? undefined : parseSeconds(flag, value));
  return definedOnly({
    runtime: flags.runtime,
    handler: flags.handler,
    env: (flags.env ?? []).map((pair) => parsePair('--env', pair)),
    secrets: given.filter((each) => !each.includes('=')),
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
