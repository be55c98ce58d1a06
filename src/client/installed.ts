/**
 * Tsumugi in a Kubernetes: platform API and gateway are reached through the API server's Service proxy, so that nothing of them need
 * be open to the outside. The API server takes `Authorization` for itself: our token travels in `Tsumugi-Authorization`, and is that
 * of the Secret `tsumugi-cli`. A function then sees its path decoded (`%2F` as `/`), and the API server rewrites the links of HTML
 * and redirects; `--gateway URL` goes past it.
 */
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { TsumugiError } from '../base/errors.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Connection } from '../kube/connection.ts';
import { createHttpClient } from '../kube/http/client.ts';
import { defaultNamespace, partOf, serviceNames, userRole, userTokenSecret } from '../resources/installation.ts';
import { ApiError, isNotFound, type KubeObject, type Status } from '../resources/object.ts';
import { secrets, services } from '../resources/resources.ts';
import { apiTarget, type RequestOptions, send, tokenHeader } from './http.ts';
import type { ConnectOptions, Ways } from './find.ts';

const partOfLabel = 'app.kubernetes.io/part-of';
const api = { service: serviceNames.api, proxy: `https:${serviceNames.api}:443`, what: 'the platform API' };
const gateway = { service: serviceNames.gateway, proxy: `http:${serviceNames.gateway}:80`, what: 'the gateway' };
type Piece = typeof api | typeof gateway;

/** Nothing is asked before the first request needs it: most commands need the Kubernetes API alone. */
export function waysThroughCluster(connection: Connection, wanted: ConnectOptions): Ways {
  const kube = createHttpClient(connection);
  const server = apiTarget(connection);
  const where = once(() => findNamespace(kube, connection, wanted));
  const token = once(async () => readToken(kube, await where(), connection));
  const authorized = async (options: RequestOptions = {}): Promise<RequestOptions> => ({
    ...options,
    headers: { ...options.headers, [tokenHeader]: `Bearer ${await token()}` },
  });
  const through = async (piece: Piece, path: string, options?: RequestOptions): Promise<IncomingMessage> => {
    const namespace = await where();
    const proxied = `/api/v1/namespaces/${namespace}/services/${piece.proxy}/proxy${path}`;
    // One of several replicas may just have gone; a stream cannot be sent again.
    const attempts = typeof options?.body === 'object' && !(options.body instanceof Uint8Array) ? 1 : 4;
    for (let attempt = 1; ; attempt += 1) {
      const response = await send(server, proxied, options);
      const refusal = await refusalOf(response);
      if (refusal === undefined) return response;
      // What reached nobody may be sent again.
      const reachedNobody = refusal.code === 503 && /no endpoints available|dial tcp/.test(refusal.message ?? '');
      if (!reachedNobody || attempt >= attempts) throw explain(refusal, piece, namespace, connection);
      await sleep(attempt * 200);
    }
  };
  const toGateway = async (path: string, options?: RequestOptions) =>
    wanted.gateway === undefined
      ? through(gateway, path, withoutAuthorization(options, await where()))
      : send({ url: wanted.gateway }, path, options);
  return {
    service: async (path, options) => through(api, path, await authorized(options)),
    gateway: toGateway,
    call: async (path, options) => toGateway(path, await authorized(options)),
    functionUrl: (object, path) => (wanted.gateway === undefined ? (object.status?.url ?? '') : wanted.gateway + path),
  };
}

function withoutAuthorization(options: RequestOptions | undefined, namespace: string): RequestOptions | undefined {
  if (!Object.keys(options?.headers ?? {}).some((name) => name.toLowerCase() === 'authorization')) return options;
  throw new TsumugiError('Usage', 'an Authorization header does not reach the function: the API server in between takes it for itself', {
    hint: `go past it: kubectl -n ${namespace} port-forward svc/${gateway.service} 8080:80, and --gateway http://127.0.0.1:8080`,
  });
}

/** Where it was said to be, where it usually is, or where its Service has our label. */
async function findNamespace(kube: KubeClient, connection: Connection, options: ConnectOptions): Promise<string> {
  const said = options.systemNamespace ?? process.env['TSUMUGI_SYSTEM_NAMESPACE'];
  if (said) return said;
  try {
    await kube.get(services, { namespace: defaultNamespace, name: api.service });
    return defaultNamespace;
  } catch (error) {
    // Who may not read it may still use it: the proxy tells.
    if (error instanceof ApiError && error.code === 403) return defaultNamespace;
    if (!isNotFound(error)) throw error;
  }
  const found = await kube
    .list<KubeObject>(services, { labelSelector: `${partOfLabel}=${partOf[partOfLabel]}` })
    .catch(() => ({ items: [] }));
  const places = found.items.filter(({ metadata }) => metadata.name === api.service).map(({ metadata }) => metadata.namespace ?? '');
  if (places.length > 1)
    throw new TsumugiError('Conflict', `Tsumugi is installed more than once in this cluster: in ${places.join(', ')}`, {
      hint: `say which, as --system-namespace ${places[0]}`,
    });
  const [place] = places;
  if (place === undefined) throw notInstalled(connection, defaultNamespace);
  return place;
}

async function readToken(kube: KubeClient, namespace: string, connection: Connection): Promise<string> {
  try {
    const { data } = await kube.get<KubeObject & { data?: Record<string, string> }>(secrets, { namespace, name: userTokenSecret });
    return Buffer.from(data?.['token'] ?? '', 'base64').toString('utf8');
  } catch (error) {
    if (isNotFound(error)) {
      const there = await kube.get(services, { namespace, name: api.service }).catch((missing: unknown) => !isNotFound(missing));
      if (!there) throw notInstalled(connection, namespace);
      throw new TsumugiError('Unavailable', `the controllers have not started yet: there is no Secret ${userTokenSecret} in ${namespace}`, {
        hint: `see: kubectl -n ${namespace} get pods`,
        cause: error,
      });
    }
    if (!(error instanceof ApiError) || error.code !== 403) throw error;
    throw new TsumugiError('Forbidden', error.message, {
      hint: roleHint(namespace),
      cause: error,
    });
  }
}

/** The API server's own answer, where it did not hand the request on: what comes from behind it is no Status, or has the gateway's request id. */
async function refusalOf(response: IncomingMessage): Promise<Status | undefined> {
  const { statusCode = 500, headers } = response;
  if (statusCode < 400 || headers['x-request-id'] !== undefined || !headers['content-type']?.startsWith('application/json'))
    return undefined;
  await new Promise((resolve) => response.once('readable', resolve).once('close', resolve));
  const start = response.read() as Buffer | null;
  if (start === null) return undefined;
  try {
    const status = JSON.parse(start.toString('utf8')) as Status;
    if (status.kind === 'Status') return { ...status, code: statusCode };
  } catch {
    // Longer than a Status ever is, or none.
  }
  response.unshift(start);
  return undefined;
}

function explain({ code, message = '' }: Status, piece: Piece, namespace: string, connection: Connection): TsumugiError {
  const text = `${piece.what} cannot be reached through the API server: ${message}`;
  switch (code) {
    case 401:
      return new TsumugiError('Unauthorized', `the API server of ${connection.from} does not accept its user`);
    case 403:
      return new TsumugiError('Forbidden', text, {
        hint: roleHint(namespace),
      });
    case 404:
      return notInstalled(connection, namespace);
    case 503:
      return new TsumugiError('Unavailable', text, { hint: `is it running? kubectl -n ${namespace} get pods` });
    default:
      return new TsumugiError('Internal', text);
  }
}

/** The Role has all that this file asks for. */
const roleHint = (namespace: string): string =>
  `the Role ${userRole} allows it: kubectl -n ${namespace} create rolebinding NAME --role=${userRole} --user=YOU`;

function notInstalled({ from }: Connection, namespace: string): TsumugiError {
  return new TsumugiError(
    'NotFound',
    `Tsumugi is not installed in the cluster of ${from}: there is no Service ${api.service} in ${namespace}`,
    {
      hint: 'install it with `tsumugi install`, or say where it is with --system-namespace',
    },
  );
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= work());
}
