/**
 * Which API server the user means: kubeconfig files as kubectl reads them (KUBECONFIG or ~/.kube/config, merged, the first
 * to say something wins), else the service account of the pod we run in.
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { toError, TsumugiError } from '../base/errors.ts';
import type { Connection } from './connection.ts';
import { inCluster, serviceAccountFolder } from './in-cluster.ts';
import { userCredentials, type UserEntry } from './credentials.ts';

export interface ConnectionOptions {
  /** One file, which must exist (`--kubeconfig`). Absent: `KUBECONFIG`, then ~/.kube/config, then the service account. */
  readonly path?: string;
  /** Context to use instead of the current one. */
  readonly context?: string;
  /** Default: the process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly home?: string;
  /** The folder of the pod's service account. */
  readonly serviceAccount?: string;
}

interface ClusterEntry {
  readonly server?: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  readonly 'tls-server-name'?: string;
  readonly 'proxy-url'?: string;
  readonly extensions?: readonly { readonly name: string; readonly extension: unknown }[];
}

interface ContextEntry {
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
}

/** An entry and the folder that its relative paths start from. */
interface Found<T> {
  readonly entry: T;
  readonly folder: string;
  readonly file: string;
}

interface Merged {
  readonly files: string[];
  current: string | undefined;
  readonly contexts: Map<string, Found<ContextEntry>>;
  readonly clusters: Map<string, Found<ClusterEntry>>;
  readonly users: Map<string, Found<UserEntry>>;
}

const emptyMerged = (): Merged => ({ files: [], current: undefined, contexts: new Map(), clusters: new Map(), users: new Map() });

/** What a file says goes behind what was said before. */
function merge(merged: Merged, file: string, config: Record<string, unknown>): void {
  merged.files.push(file);
  const said = config['current-context'];
  if (merged.current === undefined && typeof said === 'string' && said !== '') merged.current = said;
  collect(config, file, 'contexts', 'context', merged.contexts);
  collect(config, file, 'clusters', 'cluster', merged.clusters);
  collect(config, file, 'users', 'user', merged.users);
}

/**
 * Finds the API server to talk to.
 *
 * @throws TsumugiError `NotFound` where there is no configuration, context, cluster, user or file; `Invalid` where one is broken.
 * @example const client = createHttpClient(await loadConnection({ context: 'dev' }));
 */
export async function loadConnection(options: ConnectionOptions = {}): Promise<Connection> {
  const env = options.env ?? process.env;
  const merged = await readFiles(options, env);
  if (merged.files.length === 0) {
    const pod = await inCluster(env, options.serviceAccount ?? serviceAccountFolder);
    if (pod) return pod;
    throw new TsumugiError('NotFound', 'no kubeconfig: neither KUBECONFIG nor ~/.kube/config names a file that exists', {
      hint: 'start a platform with "tsumugi up", or set KUBECONFIG',
    });
  }
  return connectionOf(merged, options, env);
}

/**
 * The API server that a kubeconfig's text names, which somebody else wrote: it may name no program to run and no file to read here.
 * `from` is for messages.
 *
 * @throws TsumugiError as `loadConnection`; `Invalid` where it is not whole in itself.
 */
export async function connectionOfText(text: string, from: string, context?: string): Promise<Connection> {
  const merged = emptyMerged();
  merge(merged, from, await parseFile(from, text));
  const known = context ?? merged.current ?? '';
  const { cluster = '', user = '' } = merged.contexts.get(known)?.entry ?? {};
  const outside = [
    ...outsideOf('cluster', cluster, merged.clusters.get(cluster)?.entry, ['certificate-authority']),
    ...outsideOf('user', user, merged.users.get(user)?.entry, ['exec', 'auth-provider', 'tokenFile', 'client-certificate', 'client-key']),
  ];
  if (outside.length > 0)
    throw new TsumugiError('Invalid', `${from}: ${outside.join(' and ')} cannot be used here: a program or a file of another machine`, {
      hint: 'make one that is whole in itself, with a token: `kubectl config view --raw --flatten --minify`',
    });
  return connectionOf(merged, context === undefined ? {} : { context }, {});
}

const outsideOf = (what: string, name: string, entry: object | undefined, fields: readonly string[]): string[] =>
  fields.filter((field) => entry && field in entry).map((field) => `"${field}" of ${what} "${name}"`);

/** Name of the context that is meant; undefined where no kubeconfig says one. Throws what `loadConnection` throws of files. */
export async function currentContext(options: ConnectionOptions = {}): Promise<string | undefined> {
  return options.context ?? (await readFiles(options, options.env ?? process.env)).current;
}

async function readFiles(options: ConnectionOptions, env: Readonly<Record<string, string | undefined>>): Promise<Merged> {
  const listed = options.path !== undefined ? [options.path] : (env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  const paths = listed.length > 0 ? listed : [join(options.home ?? env['HOME'] ?? homedir(), '.kube', 'config')];
  const merged = emptyMerged();

  for (const path of paths) {
    const file = resolve(path);
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (thrown) {
      const { code, message } = thrown as NodeJS.ErrnoException;
      if (code === 'ENOENT' && options.path === undefined) continue;
      throw new TsumugiError(
        code === 'ENOENT' ? 'NotFound' : 'Invalid',
        code === 'ENOENT' ? `there is no kubeconfig ${file}` : `cannot read the kubeconfig ${file}: ${message}`,
      );
    }
    merge(merged, file, await parseFile(file, text));
  }
  return merged;
}

async function parseFile(file: string, text: string): Promise<Record<string, unknown>> {
  const { parse } = await import('yaml');
  let config: unknown;
  try {
    config = parse(text);
  } catch (thrown) {
    throw new TsumugiError('Invalid', `the kubeconfig ${file} is no YAML: ${toError(thrown).message}`);
  }
  if (config === null || config === undefined) return {};
  if (typeof config !== 'object' || Array.isArray(config)) throw new TsumugiError('Invalid', `the kubeconfig ${file} is no YAML mapping`);
  return config as Record<string, unknown>;
}

function collect<T>(config: Record<string, unknown>, file: string, list: string, field: string, into: Map<string, Found<T>>): void {
  const entries = config[list] ?? [];
  if (!Array.isArray(entries)) throw new TsumugiError('Invalid', `${file}: "${list}" must be a list`);
  for (const item of entries as Record<string, unknown>[]) {
    const name = item?.['name'];
    if (typeof name !== 'string') throw new TsumugiError('Invalid', `${file}: an entry of "${list}" has no name`);
    if (!into.has(name)) into.set(name, { entry: (item[field] ?? {}) as T, folder: dirname(file), file });
  }
}

async function connectionOf(
  merged: Merged,
  options: ConnectionOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Connection> {
  const name = options.context ?? merged.current;
  const where = merged.files.join(', ');
  if (name === undefined) {
    throw new TsumugiError('NotFound', `no current context in ${where}`, { hint: `name one with --context: ${names(merged.contexts)}` });
  }
  const context = pick(merged.contexts, name, 'context', where);
  const clusterName = context.entry.cluster ?? '';
  const cluster = pick(merged.clusters, clusterName, `cluster (of context "${name}")`, where);
  const userName = context.entry.user;
  const user = userName ? pick(merged.users, userName, `user (of context "${name}")`, where) : undefined;

  const { server, 'proxy-url': proxy, 'tls-server-name': serverName, 'insecure-skip-tls-verify': insecure } = cluster.entry;
  if (!server || !URL.canParse(server))
    throw new TsumugiError('Invalid', `${cluster.file}: cluster "${clusterName}" has no valid server URL`);
  if (proxy) throw new TsumugiError('Invalid', `${cluster.file}: cluster "${clusterName}" has a proxy-url, which is not supported`);
  const ca = await certificate(cluster, clusterName);
  const url = server.replace(/\/+$/, '');
  const clusterInfo = { server: url, ...(ca !== undefined && { 'certificate-authority-data': Buffer.from(ca).toString('base64') }) };

  return {
    server: url,
    ...(ca !== undefined && { ca }),
    ...(serverName && { serverName }),
    ...(insecure && { insecure }),
    namespace: context.entry.namespace || 'default',
    ...(cluster.entry.extensions && {
      extensions: Object.fromEntries(cluster.entry.extensions.map(({ name, extension }) => [name, extension])),
    }),
    from: `context "${name}" of ${context.file}`,
    credentials: user ? userCredentials({ name: userName as string, ...user }, clusterInfo, env) : async () => ({}),
  };
}

async function certificate({ entry, folder, file }: Found<ClusterEntry>, name: string): Promise<string | undefined> {
  const { 'certificate-authority-data': data, 'certificate-authority': path } = entry;
  if (data) return Buffer.from(data, 'base64').toString('utf8');
  if (!path) return undefined;
  try {
    return await readFile(resolve(folder, path), 'utf8');
  } catch (thrown) {
    throw new TsumugiError('NotFound', `${file}: certificate-authority of cluster "${name}": ${toError(thrown).message}`);
  }
}

function pick<T>(from: ReadonlyMap<string, Found<T>>, name: string, what: string, where: string): Found<T> {
  const found = from.get(name);
  if (!found) throw new TsumugiError('NotFound', `there is no ${what} "${name}" in ${where}`, { hint: `there are: ${names(from)}` });
  return found;
}

const names = (map: ReadonlyMap<string, unknown>): string => [...map.keys()].join(', ') || 'none';
