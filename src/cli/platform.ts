/**
 * Which platform a command talks to: 1. `--data`, `--context`, `--kubeconfig`; 2. `TSUMUGI_DATA`; 3. a running platform at
 * `./.tsumugi` here or in a parent folder; 4. the current context of the kubeconfig. As kubectl's plugin a command reaches what
 * kubectl reaches: there only `--data` comes before the context.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { homedir } from 'node:os';
import { delimiter, dirname, join, relative, resolve } from 'node:path';
import { parse } from 'yaml';
import { TsumugiError } from '../base/errors.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Connection } from '../kube/connection.ts';
import { createHttpClient } from '../kube/http/client.ts';
import { loadConnection } from '../kube/kubeconfig.ts';
import { kubeconfigPath, readPlatformFile } from '../processes/folders.ts';
import type { FunctionResource } from '../resources/function.ts';
import { apiTarget, codedError, readText, type RequestOptions, send, type Target, tokenHeader } from './http.ts';
import { waysThroughCluster } from './installed.ts';
import { isPlugin } from './program.ts';

export interface PlatformFlags {
  readonly data?: string;
  readonly context?: string;
  readonly kubeconfig?: string;
  readonly namespace?: string;
  /** Where Tsumugi is installed in the cluster. */
  readonly systemNamespace?: string;
  /** URL of the gateway, instead of the way through the API server. */
  readonly gateway?: string;
}

/** How to reach what is not the Kubernetes API. Each answers with the head, whatever its status. */
export interface Ways {
  readonly service: (path: string, options?: RequestOptions) => Promise<IncomingMessage>;
  readonly gateway: (path: string, options?: RequestOptions) => Promise<IncomingMessage>;
  readonly call: (path: string, options?: RequestOptions) => Promise<IncomingMessage>;
  /** The path that a function has at the gateway, as a URL for the user. */
  readonly functionUrl: (object: FunctionResource, path: string) => string;
}

export interface Platform extends Pick<Ways, 'call' | 'gateway'> {
  /** For the user: `the platform at .tsumugi`, `context "dev" of …`. */
  readonly where: string;
  readonly namespace: string;
  readonly kube: KubeClient;
  /** The Kubernetes API, for what the client port does not do (tables, discovery). */
  readonly api: Target;
  /** A user's own request to the gateway: no token of ours goes along. */
  gateway(path: string, options?: RequestOptions): Promise<IncomingMessage>;
  /** A request to the gateway with the platform's token: `/call/…`, private functions. */
  call(path: string, options?: RequestOptions): Promise<IncomingMessage>;
  functionUrl(object: FunctionResource): string;
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
    const where = `the platform at ${shown.startsWith('..') ? data : shown || '.'}`;
    const ways = directWays({ url: 'http://platform', socketPath: file.socket }, flags.gateway ?? file.gateway, connection);
    return platformOf(flags, connection, where, ways);
  }
  const connection = await loadConnection({
    ...(flags.kubeconfig === undefined ? {} : { path: flags.kubeconfig }),
    ...(flags.context === undefined ? {} : { context: flags.context }),
  });
  const known = await findExtension(flags, connection.server);
  const { ca } = connection;
  const service = known && { url: known.platform, ...(ca === undefined ? {} : { ca }), credentials: () => connection.credentials() };
  const ways = known && service ? directWays(service, flags.gateway ?? known.gateway, connection) : waysThroughCluster(connection, flags);
  return platformOf(flags, connection, connection.from, ways);
}

/** On one machine, gateway and platform API are reached as they are, and take the token of the Kubernetes API. */
function directWays(service: Target, gateway: string, connection: Connection): Ways {
  return {
    service: (path, options) => send(service, path, options),
    gateway: (path, options) => send({ url: gateway }, path, options),
    call: async (path, options) => {
      const { token = '' } = await connection.credentials();
      return send({ url: gateway }, path, { ...options, headers: { ...options?.headers, [tokenHeader]: `Bearer ${token}` } });
    },
    functionUrl: (_, path) => gateway + path,
  };
}

function platformOf(flags: PlatformFlags, connection: Connection, where: string, ways: Ways): Platform {
  const request = async (path: string, options?: RequestOptions) => {
    const response = await ways.service(path, options);
    if ((response.statusCode ?? 500) < 300) return response;
    const text = await readText(response);
    throw codedError(text) ?? new TsumugiError('Internal', `the platform API answered ${response.statusCode}: ${text.slice(0, 500)}`);
  };
  return {
    where,
    namespace: flags.namespace ?? connection.namespace,
    kube: createHttpClient(connection),
    api: apiTarget(connection),
    gateway: ways.gateway,
    call: ways.call,
    functionUrl: (object) => {
      const { name, namespace = connection.namespace } = object.metadata;
      return ways.functionUrl(object, `/function/${name}${namespace === 'default' ? '' : `.${namespace}`}`);
    },
    platform: async (path, options) => readText(await request(path, options)),
    async *platformLines(path, options) {
      const { createInterface } = await import('node:readline');
      yield* createInterface({ input: await request(path, options) });
    },
  };
}

/** The data folder that is meant, where one is. */
export function findData(flags: Pick<PlatformFlags, 'data'>): string | undefined {
  const said = flags.data ?? (isPlugin ? undefined : process.env['TSUMUGI_DATA']);
  if (said) return resolve(said);
  if (isPlugin) return undefined;
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
