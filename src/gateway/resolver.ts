import { createHash } from 'node:crypto';
import { TsumugiError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import { exportOf, some } from '../invoke/export.ts';
import type { Counter, Histogram } from '../base/metrics.ts';
import type { FunctionEntry, PlatformEntry, ProjectionEntry } from '../invoke/projection.ts';
import { RouteTable } from './routes.ts';

/** A function as the gateway addresses it, with its metrics at hand. */
export interface Target {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  /** Callers must show the platform's token. */
  isPrivate: boolean;
  /** By status code. */
  readonly requests: (Counter | undefined)[];
  seconds: Histogram | undefined;
}

/** Where a request goes: the function, and the path that it sees. */
export interface Resolution {
  readonly target: Target;
  /** Path and query. */
  readonly url: string;
  /** Percent-encoded export; '' = the handler. */
  readonly export: string;
}

/** 405 with the methods that exist. */
export class MethodNotAllowed extends TsumugiError {
  readonly allow: readonly string[];
  constructor(method: string, path: string, allow: readonly string[]) {
    super('MethodNotAllowed', `${path} does not take ${method}`, { hint: `use ${allow.join(' or ')}` });
    this.allow = allow;
  }
}

const FUNCTION = '/function/';
const CALL = '/call/';

/**
 * Says which function answers a request. Order: Routes of the request's host, `NAME.NAMESPACE.DOMAIN`, the reserved paths, Routes of any host.
 *
 * What the function sees: below `/function/NAME` the rest of the path (`/rest?x`, at least `/`); through its host name or a Route
 * the whole path.
 */
export class Resolver {
  readonly #domain: string;
  readonly #functions = new Map<string, FunctionEntry>();
  readonly #routes = new RouteTable();
  readonly #targets = new Map<string, Target>();
  #tokens = new Set<string>();
  platform: PlatformEntry | undefined;
  /** The last Host header and its name: most requests come through one. */
  #header = '';
  #host = '';

  constructor(domain: string) {
    this.#domain = `.${domain.toLowerCase()}`;
  }

  put(entry: ProjectionEntry): void {
    if (entry.kind === 'function') this.#putFunction(entry);
    else if (entry.kind === 'route') this.#routes.put(entry);
    else if (entry.kind === 'platform') {
      this.platform = entry;
      this.#tokens = new Set(entry.tokenHashes);
    }
  }

  delete(kind: ProjectionEntry['kind'], key: string): void {
    if (kind === 'route') this.#routes.delete(key);
    if (kind !== 'function') return;
    this.#functions.delete(key);
    this.#targets.delete(key);
  }

  /**
   * `host` as in the header, `url` starts with `/`.
   *
   * @throws {TsumugiError} NotFound; MethodNotAllowed with what is allowed; Unauthorized where the function is private.
   */
  resolve(method: string, host: string, url: string, authorization: string | undefined): Resolution {
    const resolution = this.#resolve(method, host, url, authorization);
    if (resolution.target.isPrivate && resolution.export === '')
      this.authorize(authorization, `function "${resolution.target.name}" is private: it`);
    return resolution;
  }

  #resolve(method: string, host: string, url: string, authorization: string | undefined): Resolution {
    const query = url.indexOf('?');
    const path = query === -1 ? url : url.slice(0, query);
    const byHost = this.#byHost(method, host, path, url);
    if (byHost) return byHost;
    if (path.startsWith(FUNCTION)) return this.#byFunctionPath(path, url);
    if (path.startsWith(CALL)) return this.#byCall(method, path, authorization);
    const match = this.#routes.matchAny(path, method);
    if (match && 'route' in match) return this.#byRoute(match.route.namespace, match.route.function, url);
    if (match) throw new MethodNotAllowed(method, path, match.allow);
    throw new TsumugiError('NotFound', `no route has the path ${path}`, {
      hint: didYouMean(path, this.#routes.paths()) ?? this.#whatExists(),
    });
  }

  /** @throws {TsumugiError} Unauthorized. */
  authorize(authorization: string | undefined, what = 'this path'): void {
    const token = authorization?.match(/^bearer +(\S+)$/i)?.[1];
    if (token && this.#tokens.has(createHash('sha256').update(token).digest('hex'))) return;
    throw new TsumugiError('Unauthorized', token ? 'the token is not valid' : `${what} needs a token`, {
      hint: 'send "Authorization: Bearer TOKEN" with the platform\'s token',
    });
  }

  entry(target: Target): FunctionEntry | undefined {
    return this.#functions.get(target.key);
  }

  #putFunction(entry: FunctionEntry): void {
    const key = `${entry.namespace}/${entry.name}`;
    this.#functions.set(key, entry);
    const target = this.#targets.get(key);
    if (target) target.isPrivate = entry.isPrivate === true;
  }

  #byHost(method: string, header: string, path: string, url: string): Resolution | undefined {
    if (header !== this.#header) {
      const colon = header.lastIndexOf(':');
      this.#host = (colon > header.lastIndexOf(']') ? header.slice(0, colon) : header).toLowerCase();
      this.#header = header;
    }
    const host = this.#host;
    const match = this.#routes.matchHost(host, path, method);
    if (match && 'route' in match) return this.#byRoute(match.route.namespace, match.route.function, url);
    if (match) throw new MethodNotAllowed(method, path, match.allow);
    if (!host.endsWith(this.#domain)) return undefined;
    const [name, namespace, ...more] = host.slice(0, -this.#domain.length).split('.');
    if (!name || !namespace || more.length > 0) return undefined;
    const target = this.#target(namespace, name);
    if (!target) throw this.#noFunction(namespace, name);
    return { target, url, export: '' };
  }

  #byFunctionPath(path: string, url: string): Resolution {
    const slash = path.indexOf('/', FUNCTION.length);
    const segment = slash === -1 ? path.slice(FUNCTION.length) : path.slice(FUNCTION.length, slash);
    const dot = segment.indexOf('.');
    const name = dot === -1 ? segment : segment.slice(0, dot);
    const namespace = dot === -1 ? 'default' : segment.slice(dot + 1);
    const target = this.#target(namespace, name);
    if (!target) throw this.#noFunction(namespace, name);
    const rest = url.slice(FUNCTION.length + segment.length);
    return { target, url: rest.startsWith('/') ? rest : `/${rest}`, export: '' };
  }

  #byRoute(namespace: string, name: string, url: string): Resolution {
    const target = this.#target(namespace, name);
    if (!target) throw this.#noFunction(namespace, name);
    return { target, url, export: '' };
  }

  #byCall(method: string, path: string, authorization: string | undefined): Resolution {
    this.authorize(authorization);
    if (method !== 'POST') throw new MethodNotAllowed(method, path, ['POST']);
    const [segment = '', wanted, ...more] = path.slice(CALL.length).split('/');
    if (more.length > 0) throw new TsumugiError('NotFound', `no such path: ${path}`, { hint: 'it is /call/NAME[.NAMESPACE]/EXPORT' });
    const [name = '', namespace = 'default'] = segment.split('.');
    const target = this.#target(namespace, name);
    if (!target) throw this.#noFunction(namespace, name);
    const entry = this.#functions.get(target.key)!;
    return { target, url: '/', export: encodeURIComponent(exportOf(entry, wanted === undefined ? '' : decode(wanted))) };
  }

  #target(namespace: string, name: string): Target | undefined {
    const key = `${namespace}/${name}`;
    const known = this.#targets.get(key);
    const entry = known ? undefined : this.#functions.get(key);
    if (!entry) return known;
    const target: Target = { key, namespace, name, isPrivate: entry.isPrivate === true, requests: [], seconds: undefined };
    this.#targets.set(key, target);
    return target;
  }

  #noFunction(namespace: string, name: string): TsumugiError {
    const names = [...this.#functions.values()].filter((entry) => entry.namespace === namespace).map((entry) => entry.name);
    if (name === '') return new TsumugiError('NotFound', 'the path names no function', { hint: this.#whatExists() });
    const hint =
      didYouMean(name, names) ??
      (names.length === 0 ? `there is no function in namespace "${namespace}" yet` : `functions in "${namespace}": ${some(names)}`);
    return new TsumugiError('NotFound', `function "${name}" does not exist in namespace "${namespace}"`, { hint });
  }

  #whatExists(): string {
    const paths = this.#routes.paths();
    return `functions are at /function/NAME[.NAMESPACE]/${paths.length > 0 ? `; routes: ${some(paths)}` : ''}`;
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TsumugiError('Invalid', `${text} is not percent-encoded text`);
  }
}
