/** Paths that speak of no object: version, health, discovery, schemas. */
import type { KindDefinition } from '../../resources/kind.ts';
import { changing, jsonReply } from './answers.ts';
import type { Reply } from './answers.ts';
import { mayReadPath } from './authorize.ts';
import { discoveryReply } from './discovery.ts';
import type { ApiRequest } from './request.ts';
import { openApiReply } from './openapi.ts';
import type { ApiServer } from './server.ts';
import { methodNotAllowed, noSuchResource, notRepresentable, pathForbidden } from './status.ts';

const version = {
  major: '1',
  minor: '36',
  emulationMajor: '1',
  emulationMinor: '36',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '35',
  gitVersion: 'v1.36.3+tsumugi',
  gitCommit: 'unknown',
  gitTreeState: '',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: 'node',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
};

const health = ['healthz', 'livez', 'readyz'];
/** What each path of health is made of. */
const checks = ['ping', 'log', 'etcd'];

/** What can be asked for, besides objects. */
function pathsOf(kinds: readonly KindDefinition[]): string[] {
  const named = kinds.filter(({ group }) => group !== '').flatMap(({ group, version }) => [`/apis/${group}`, `/apis/${group}/${version}`]);
  const ofHealth = health.flatMap((path) => [`/${path}`, ...checks.map((check) => `/${path}/${check}`)]);
  return [...new Set(['/api', '/api/v1', '/apis', ...named, ...ofHealth, '/openapi/v2', '/openapi/v3', '/version'])].toSorted();
}

/** `/livez`, `/livez?verbose`, `/livez/ping`; undefined: no path of health. */
function healthReply({ path, query }: ApiRequest): Reply | undefined {
  const [, root = '', check] = /^\/(healthz|livez|readyz)(?:\/([^/]+))?$/.exec(path) ?? [];
  if (root === '' || (check !== undefined && !checks.includes(check))) return undefined;
  const verbose = check === undefined && query.has('verbose');
  const body = verbose ? `${checks.map((each) => `[+]${each} ok\n`).join('')}${root} check passed\n` : 'ok';
  return { status: 200, headers: { ...changing, 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }, body };
}

/** What a method does to a path that is no resource. */
const verbs: Readonly<Record<string, string>> = { HEAD: 'get', GET: 'get' };

export function generalReply({ kinds }: ApiServer, request: ApiRequest): Reply {
  const { path, method, user } = request;
  if (!mayReadPath(user, verbs[method] ?? method.toLowerCase(), path)) throw pathForbidden(user.name, method, path);
  const healthy = healthReply(request);
  const reply = healthy ?? pathReply(kinds, request);
  if (!reply) throw noSuchResource();
  if (method !== 'GET' && !(healthy && method === 'HEAD')) throw methodNotAllowed();
  return reply;
}

/** What a read of the path answers; undefined: there is no such path. */
function pathReply(kinds: ApiServer['kinds'], request: ApiRequest): Reply | undefined {
  const { path, accept } = request;
  if (path === '/version' || path === '/version/') {
    if (!/application\/json|\*\/\*|^$/.test(accept)) throw notRepresentable('application/json');
    return jsonReply(200, JSON.stringify(version, null, 2));
  }
  if (path === '/') return jsonReply(200, JSON.stringify({ paths: pathsOf(kinds) }, null, 2));
  const etag = request.ifNoneMatch !== undefined ? { ifNoneMatch: request.ifNoneMatch } : {};
  const hash = request.query.get('hash');
  return (
    discoveryReply(kinds, { path, accept, ...etag, ...(request.host && { serverAddress: request.host }) }) ??
    openApiReply(kinds, { path, accept, ...etag, ...(hash && { hash }) })
  );
}
