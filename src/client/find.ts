/**
 * Which platform a program talks to: 1. what it was told: an address and a token, a data folder, a kubeconfig; 2. in a pod, the
 * identity that its function or its job has; 3. `TSUMUGI_API_URL` and its companions; 4. `TSUMUGI_DATA`; 5. a running platform at `./.tsumugi`
 * here or in a parent folder; 6. the current context of the kubeconfig, else the ServiceAccount of the pod.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { TsumugiError } from '../base/errors.ts';
import type { Connection } from '../kube/connection.ts';
import type { FunctionResource } from '../resources/function.ts';
import { type Identity, ownIdentity } from '../sdk/identity.ts';
import { dataAround, kubeconfigPath, readPlatformFile } from './data-folder.ts';
import { mountedIdentity } from './mounted-identity.ts';
import { type RequestOptions, send, type Target, tokenHeader } from './http.ts';

export interface ConnectOptions {
  /** Data folder of a platform on this machine. */
  readonly data?: string;
  /** Context of the kubeconfig. */
  readonly context?: string;
  /** A kubeconfig file. */
  readonly kubeconfig?: string;
  readonly namespace?: string;
  /** Where Tsumugi is installed in the cluster. */
  readonly systemNamespace?: string;
  /** URL of the gateway, instead of the way through the API server. */
  readonly gateway?: string;
  /** URL of the Kubernetes API, with `token`. */
  readonly api?: string;
  readonly token?: string;
  /** URL of the platform API, where `api` is given. */
  readonly platform?: string;
  /** Certificates to trust there, PEM; absent: the system's. */
  readonly ca?: string;
  /** False: `TSUMUGI_DATA` and `./.tsumugi` are not looked at. kubectl's plugin reaches what kubectl reaches. */
  readonly lookAround?: boolean;
}

/** How to reach what is not the Kubernetes API. Each answers with the head, whatever its status. */
export interface Ways {
  readonly service: (path: string, options?: RequestOptions) => Promise<IncomingMessage>;
  readonly gateway: (path: string, options?: RequestOptions) => Promise<IncomingMessage>;
  readonly call: (path: string, options?: RequestOptions) => Promise<IncomingMessage>;
  /** The path that a function has at the gateway, as a URL for the user. */
  readonly functionUrl: (object: FunctionResource, path: string) => string;
}

export interface Found {
  readonly connection: Connection;
  /** For the user. */
  readonly where: string;
  readonly ways: Ways;
}

export async function find(options: ConnectOptions): Promise<Found> {
  const { api, data, context, kubeconfig } = options;
  if (api !== undefined) return ofAddress({ ...given(options), api, token: () => options.token, from: api });
  if (data !== undefined) return ofData(data, options);
  if (context !== undefined || kubeconfig !== undefined) return ofKubeconfig(options);

  const identity = ownIdentity() ?? mountedIdentity();
  if (identity) return ofIdentity(identity, options);
  const { TSUMUGI_API_URL, TSUMUGI_DATA, TSUMUGI_FUNCTION } = process.env;
  if (TSUMUGI_API_URL) return ofAddress({ ...ofEnvironment(), ...given(options), api: TSUMUGI_API_URL });
  // The kubeconfig of whoever started the platform is not the function's.
  if (TSUMUGI_FUNCTION)
    throw new TsumugiError('Forbidden', `the function ${TSUMUGI_FUNCTION} has no identity at the platform`, {
      hint: 'declare what it may do in the `permissions` of its spec',
    });
  if (options.lookAround !== false) {
    const around = TSUMUGI_DATA || dataAround(process.cwd());
    if (around) return ofData(around, options);
  }
  return ofKubeconfig(options);
}

/** The data folder that is meant, where one is. */
export function findData({ data, lookAround }: Pick<ConnectOptions, 'data' | 'lookAround'>): string | undefined {
  return data ?? (lookAround === false ? undefined : process.env['TSUMUGI_DATA'] || dataAround(process.cwd()));
}

interface Address extends Pick<ConnectOptions, 'namespace' | 'gateway' | 'platform' | 'ca'> {
  readonly api: string;
  readonly token: () => string | undefined;
  /** For messages. */
  readonly from: string;
}

/** What an address may be told besides. */
function given({ namespace, gateway, platform, ca }: ConnectOptions): Omit<Address, 'api' | 'token' | 'from'> {
  return {
    ...(namespace !== undefined && { namespace }),
    ...(gateway !== undefined && { gateway }),
    ...(platform !== undefined && { platform }),
    ...(ca !== undefined && { ca }),
  };
}

/** What a pod of ours is told, or who starts a program elsewhere tells it. The token's file is read again each time: it is renewed. */
function ofEnvironment(): Omit<Address, 'api'> {
  const env = (name: string): string | undefined => process.env[`TSUMUGI_${name}`] || undefined;
  const [gateway, platform, namespace] = [env('GATEWAY_URL'), env('PLATFORM_URL'), env('NAMESPACE')];
  const [caFile, tokenFile] = [env('CA_FILE'), env('TOKEN_FILE')];
  return {
    ...(gateway && { gateway }),
    ...(platform && { platform }),
    ...(namespace && { namespace }),
    ...(caFile && { ca: readFile(caFile, 'TSUMUGI_CA_FILE') }),
    token: () => env('TOKEN') ?? (tokenFile && readFile(tokenFile, 'TSUMUGI_TOKEN_FILE').trim()),
    from: 'TSUMUGI_API_URL',
  };
}

function readFile(path: string, variable: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new TsumugiError('NotFound', `${variable} names ${path}, which cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function ofAddress({ api, token, platform, gateway, ca, namespace = 'default', from }: Address): Found {
  const credentials = async (): Promise<{ token?: string }> => {
    const now = token();
    return now === undefined ? {} : { token: now };
  };
  const trust = ca === undefined ? {} : { ca };
  const connection: Connection = { server: api.replace(/\/+$/, ''), ...trust, namespace, from, credentials };
  const service = platform === undefined ? undefined : { url: platform.replace(/\/+$/, ''), ...trust, credentials };
  return { connection, where: connection.server, ways: directWays(service, gateway, connection) };
}

/** Each listener takes a token of its own. */
function ofIdentity(identity: Identity, options: ConnectOptions): Found {
  const credentialsFor = (of: 'gateway' | 'platform' | 'kubernetes') => async (): Promise<{ token: string }> => {
    const token = identity.token(of);
    if (token !== undefined) return { token };
    throw new TsumugiError('Forbidden', 'this code may not use the Kubernetes API', {
      hint: 'declare what it manages in its spec: permissions: { manage: [jobs, configmaps, secrets] }',
    });
  };
  const connection: Connection = {
    ...serverOf(identity.kubernetes),
    namespace: options.namespace ?? identity.namespace,
    from: 'the identity of this pod',
    credentials: credentialsFor('kubernetes'),
  };
  const service = { ...identity.platform, credentials: credentialsFor('platform') };
  const ways = directWays(service, options.gateway ?? identity.gateway, { ...connection, credentials: credentialsFor('gateway') });
  return { connection, where: connection.from, ways };
}

const serverOf = ({ url, ca }: Identity['kubernetes']): Pick<Connection, 'server' | 'ca'> => ({
  server: url,
  ...(ca !== undefined && { ca }),
});

async function ofData(data: string, options: ConnectOptions): Promise<Found> {
  const [{ loadConnection }, { relative, resolve }] = await Promise.all([import('../kube/kubeconfig.ts'), import('node:path')]);
  const folder = resolve(data);
  const file = readPlatformFile(folder);
  if (!file)
    throw new TsumugiError('Unavailable', `no platform runs on ${folder}`, { hint: `start it with \`tsumugi up --data ${folder}\`` });
  const connection = await loadConnection({ path: kubeconfigPath(folder) });
  const shown = relative(process.cwd(), folder);
  return {
    connection,
    where: `the platform at ${shown.startsWith('..') ? folder : shown || '.'}`,
    ways: directWays({ url: 'http://platform', socketPath: file.socket }, options.gateway ?? file.gateway, connection),
  };
}

async function ofKubeconfig(options: ConnectOptions): Promise<Found> {
  const { loadConnection } = await import('../kube/kubeconfig.ts');
  const { kubeconfig, context } = options;
  const connection = await loadConnection({
    ...(kubeconfig !== undefined && { path: kubeconfig }),
    ...(context !== undefined && { context }),
  });
  return { connection, where: connection.from, ways: await waysOf(connection, options) };
}

/** Our own kubeconfigs say in an extension of the cluster where gateway and platform API are. */
async function waysOf(connection: Connection, options: ConnectOptions): Promise<Ways> {
  const known = connection.extensions?.['tsumugi.dev'] as { readonly gateway: string; readonly platform: string } | undefined;
  if (!known) return (await import('./installed.ts')).waysThroughCluster(connection, options);
  const { ca, credentials } = connection;
  const service = { url: known.platform, ...(ca !== undefined && { ca }), credentials: () => credentials() };
  return directWays(service, options.gateway ?? known.gateway, connection);
}

/** On one machine, gateway and platform API are reached as they are, and take the token of the Kubernetes API. */
function directWays(service: Target | undefined, gateway: string | undefined, connection: Connection): Ways {
  const unknown = (what: string): never => {
    throw new TsumugiError('NotFound', `nobody said where ${what} of ${connection.server} is`, {
      hint: 'give its URL besides the address',
    });
  };
  const gatewayUrl = (): string => gateway?.replace(/\/+$/, '') ?? unknown('the gateway');
  return {
    service: (path, options) => send(service ?? unknown('the platform API'), path, options),
    gateway: (path, options) => send({ url: gatewayUrl() }, path, options),
    call: async (path, options) => {
      const { token = '' } = await connection.credentials();
      return send({ url: gatewayUrl() }, path, { ...options, headers: { ...options?.headers, [tokenHeader]: `Bearer ${token}` } });
    },
    functionUrl: (_, path) => gatewayUrl() + path,
  };
}
