import type { Command } from 'commander';
import { TsumugiError } from '../../base/errors.ts';
import type { KubeObject } from '../../resources/object.ts';
import { platformOptions } from '../flags.ts';
import type { Platform, PlatformFlags } from '../platform.ts';
import type { ServedKind } from '../kinds.ts';

interface GetFlags extends PlatformFlags {
  readonly output: string;
  readonly selector?: string;
  readonly allNamespaces?: boolean;
}

const outputs = ['table', 'wide', 'json', 'yaml', 'name'];

/** `tsumugi get KIND [NAME]`: any kind the server has. */
export function register(program: Command): void {
  platformOptions(
    program
      .command('get')
      .description('show objects of a kind')
      .argument('<kind>', 'functions (fn), revisions, runtimes (rt), routes, pods, configmaps, …; several with commas')
      .argument('[names...]', 'only these')
      .option(`-o, --output <${outputs.join('|')}>`, 'how it is shown', 'table')
      .option('-l, --selector <labels>', 'only with these labels, as app=web')
      .option('-A, --all-namespaces', 'of all namespaces'),
  )
    .addHelpText(
      'after',
      `
Examples:
  tsumugi get functions
  tsumugi get fn hello -o yaml
  tsumugi get fn,pods
  tsumugi get pods -o wide -A`,
    )
    .action(async (word: string, names: string[], flags: GetFlags) => {
      await show(word, names, flags);
    });
}

/** Prints objects; also what `fn list` and its like do. */
export async function show(word: string, names: readonly string[], flags: GetFlags): Promise<void> {
  if (!outputs.includes(flags.output))
    throw new TsumugiError('Usage', `--output is "${flags.output}"`, { hint: `allowed: ${outputs.join(', ')}` });
  const [{ connect }, { discoverKinds, findKind }] = await Promise.all([import('../platform.ts'), import('../kinds.ts')]);
  const platform = await connect(flags);
  const all = await discoverKinds(platform.api);
  const kinds = word.split(',').map((each) => findKind(all, each));
  if (flags.output === 'table' || flags.output === 'wide') {
    const tables = [];
    for (const kind of kinds) tables.push(await table(platform, kind, names, flags, kinds.length > 1));
    const shown = tables.filter((each) => each !== undefined);
    if (shown.length > 0) process.stdout.write(`${shown.join('\n\n')}\n`);
    return;
  }
  const items: KubeObject[] = [];
  for (const kind of kinds) {
    const found = await objects(platform, kind, names, flags);
    items.push(...found);
    if (flags.output === 'name') for (const { metadata } of found) process.stdout.write(`${typed(kind, metadata.name)}\n`);
  }
  if (flags.output === 'name') return;
  const whole = names.length === 1 && items.length === 1 ? items[0] : { apiVersion: 'v1', kind: 'List', metadata: {}, items };
  if (flags.output === 'json') process.stdout.write(`${JSON.stringify(whole, undefined, 2)}\n`);
  else process.stdout.write((await import('yaml')).stringify(whole, { lineWidth: 0 }));
}

/** `function.tsumugi.dev/hello` */
const typed = (kind: ServedKind, name: string): string => `${kind.singular || kind.plural}${kind.group ? `.${kind.group}` : ''}/${name}`;

async function objects(
  platform: Platform,
  kind: ServedKind,
  names: readonly string[],
  { allNamespaces, selector }: GetFlags,
): Promise<readonly KubeObject[]> {
  if (names.length > 0) return byName(platform, kind, names);
  const scope = kind.namespaced && !allNamespaces ? { namespace: platform.namespace } : {};
  const { items } = await platform.kube.list<KubeObject>(kind, { ...scope, ...(selector !== undefined && { labelSelector: selector }) });
  return items;
}

async function byName(platform: Platform, kind: ServedKind, names: readonly string[]): Promise<readonly KubeObject[]> {
  const { describeMissing } = await import('../missing.ts');
  return Promise.all(
    names.map((name) =>
      platform.kube
        .get<KubeObject>(kind, { ...(kind.namespaced ? { namespace: platform.namespace } : {}), name })
        .catch((error: unknown) => describeMissing(platform, kind, name, error)),
    ),
  );
}

interface Table {
  readonly columnDefinitions: readonly { readonly name: string; readonly priority?: number }[];
  readonly rows?: readonly {
    readonly cells: readonly unknown[];
    readonly object?: { readonly metadata?: { readonly namespace?: string; readonly name?: string } };
  }[];
}

/** The server decides the columns: the same table as kubectl's. Undefined, and said on stderr, where there is nothing; `isOneOf` several kinds. */
async function table(
  platform: Platform,
  kind: ServedKind,
  names: readonly string[],
  flags: GetFlags,
  isOneOf: boolean,
): Promise<string | undefined> {
  const [{ send, readText }, { formatTable }] = await Promise.all([import('../../client/http.ts'), import('../output.ts')]);
  const namespaced = kind.namespaced && !flags.allNamespaces ? `/namespaces/${platform.namespace}` : '';
  const path = `${kind.group === '' ? '/api' : `/apis/${kind.group}`}/${kind.version}${namespaced}/${kind.plural}`;
  const query = flags.selector === undefined ? '' : `?labelSelector=${encodeURIComponent(flags.selector)}`;
  const response = await send(platform.api, path + query, {
    headers: { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1,application/json' },
  });
  const text = await readText(response);
  if (response.statusCode !== 200)
    throw new TsumugiError('Internal', (JSON.parse(text) as { message?: string }).message ?? `${path} answered ${response.statusCode}`);
  const { columnDefinitions, rows: all = [] } = JSON.parse(text) as Table;
  let rows = all;
  if (names.length > 0) {
    rows = rows.filter((row) => names.includes(row.object?.metadata?.name ?? String(row.cells[0])));
    const missing = names.find((name) => !rows.some((row) => (row.object?.metadata?.name ?? row.cells[0]) === name));
    if (missing !== undefined) await byName(platform, kind, [missing]);
  }
  if (rows.length === 0) {
    process.stderr.write(namespaced ? `no ${kind.plural} in namespace ${platform.namespace}\n` : `no ${kind.plural}\n`);
    return undefined;
  }
  const columns = columnDefinitions
    .map((column, index) => ({ ...column, index }))
    .filter((column) => flags.output === 'wide' || !column.priority);
  const prefix = kind.namespaced && flags.allNamespaces;
  const cell = (row: (typeof rows)[number], index: number): string => {
    const text = shown(row.cells[index]);
    return isOneOf && columnDefinitions[index]?.name === 'Name' ? typed(kind, text) : text;
  };
  return formatTable(
    [...(prefix ? ['NAMESPACE'] : []), ...columns.map((column) => column.name.toUpperCase())],
    rows.map((row) => [...(prefix ? [row.object?.metadata?.namespace ?? ''] : []), ...columns.map(({ index }) => cell(row, index))]),
  );
}

function shown(cell: unknown): string {
  if (cell === null || cell === undefined || cell === '') return '<none>';
  return typeof cell === 'string' ? cell : JSON.stringify(cell);
}
