/**
 * Which platform a command talks to: 1. `--data`, `--context`, `--kubeconfig`; 2. `TSUMUGI_DATA`; 3. a running platform at
 * `./.tsumugi` here or in a parent folder; 4. the current context of the kubeconfig.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join, relative, resolve } from 'node:path';
import { parse } from 'yaml';
import { TsumugiError } from '../base/errors.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Connection } from '../kube/connection.ts';
import { createHttpClient } from '../kube/http/client.ts';
import { loadConnection } from '../kube/kubeconfig.ts';
import { kubeconfigPath, readPlatformFile } from '../processes/folders.ts';
import { send, readText, codedError, type RequestOptions, type Target } from './http.ts';

export interface PlatformFlags {
  readonly data?: string;
  readonly context?: string;
  readonly kubeconfig?: string;
  readonly namespace?: string;
}

export interface Platform {
  /** For the user: `the platform at .tsumugi`, `context "dev" of …`. */
  readonly where: string;
  readonly namespace: string;
  readonly kube: KubeClient;
  /** The Kubernetes API, for what the client port does not do (tables, discovery). */
  readonly api: Target;
  /** Throws NotFound where the context does not say where it is. */
  readonly gateway: Target;
  /** A request to the platform API; throws the coded error of an answer that is one. Answers the body as text. */
  platform(path: string, options?: RequestOptions): Promise<string>;
  /** The same, as a stream of lines. */
  platformLines(path: string, options?: RequestOptions): AsyncIterable<string>;
}

export async function connect(flags: PlatformFlags): Promise<Platform> {
  const data = flags.context === undefined && flags.kubeconfig === undefined ? findData(flags) : undefined;
  if (data !== undefined) {
    const file = readPlatformFile(data);
    if (!file)
      throw new TsumugiError('Unavailable', `no platform runs on ${data}`, { hint: `start it with \`tsumugi up --data ${data}\`` });
    const connection = await loadConnection({ path: kubeconfigPath(data) });
    const shown = relative(process.cwd(), data);
    return platformOf(
      flags,
      connection,
      `the platform at ${shown.startsWith('..') ? data : shown || '.'}`,
      { url: 'http://platform', socketPath: file.socket },
      { url: file.gateway },
    );
  }
  const connection = await loadConnection({
    ...(flags.kubeconfig === undefined ? {} : { path: flags.kubeconfig }),
    ...(flags.context === undefined ? {} : { context: flags.context }),
  });
  const known = await findExtension(flags, connection.server);
  const { ca } = connection;
  return platformOf(
    flags,
    connection,
    connection.from,
    known && { url: known.platform, ...(ca === undefined ? {} : { ca }), credentials: () => connection.credentials() },
    known && { url: known.gateway },
  );
}

function platformOf(
  flags: PlatformFlags,
  connection: Connection,
  where: string,
  service: Target | undefined,
  gateway: Target | undefined,
): Platform {
  const absent = (what: string): TsumugiError =>
    new TsumugiError('NotFound', `${where} does not say where its ${what} is`, {
      hint: 'use a kubeconfig of `tsumugi kubeconfig`, or --data',
    });
  const request = async (path: string, options?: RequestOptions) => {
    if (!service) throw absent('platform API');
    const response = await send(service, path, options);
    if ((response.statusCode ?? 500) < 300) return response;
    const text = await readText(response);
    throw codedError(text) ?? new TsumugiError('Internal', `the platform API answered ${response.statusCode}: ${text.slice(0, 500)}`);
  };
  const { server, ca, serverName, insecure } = connection;
  const credentials = () => connection.credentials();
  return {
    where,
    namespace: flags.namespace ?? connection.namespace,
    kube: createHttpClient(connection),
    api: { url: server, ...(ca ? { ca } : {}), ...(serverName ? { serverName } : {}), ...(insecure ? { insecure } : {}), credentials },
    get gateway() {
      if (!gateway) throw absent('gateway');
      return { ...gateway, credentials };
    },
    platform: async (path, options) => readText(await request(path, options)),
    async *platformLines(path, options) {
      const { createInterface } = await import('node:readline');
      yield* createInterface({ input: await request(path, options) });
    },
  };
}

/** The data folder that is meant, where one is. */
export function findData(flags: PlatformFlags): string | undefined {
  const said = flags.data ?? process.env['TSUMUGI_DATA'];
  if (said) return resolve(said);
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    const data = join(folder, '.tsumugi');
    if (existsSync(join(data, 'run', 'platform.json'))) return data;
    if (dirname(folder) === folder) return undefined;
  }
}

interface Extension {
  readonly gateway: string;
  readonly platform: string;
}

/** Our kubeconfigs say in an extension of the cluster where gateway and platform API are. */
async function findExtension(flags: PlatformFlags, server: string): Promise<Extension | undefined> {
  const paths = flags.kubeconfig ? [flags.kubeconfig] : (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  for (const path of paths.length > 0 ? paths : [join(homedir(), '.kube', 'config')]) {
    if (!existsSync(path)) continue;
    const config = parse(await readFile(path, 'utf8')) as {
      clusters?: { cluster?: { server?: string; extensions?: { name: string; extension: Extension }[] } }[];
    };
    const cluster = config.clusters?.find((each) => each.cluster?.server?.replace(/\/+$/, '') === server)?.cluster;
    const found = cluster?.extensions?.find((each) => each.name === 'tsumugi.dev');
    if (found) return found.extension;
  }
  return undefined;
}
