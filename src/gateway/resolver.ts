import { TsumugiError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import { exportOf, some } from '../invoke/export.ts';
import type { Counter, Histogram } from '../base/metrics.ts';
import type { FunctionEntry, PlatformEntry, ProjectionEntry, RouteEntry } from '../invoke/projection.ts';
import type { Doorkeeper } from './doorkeeper.ts';
import { RouteTable } from './routes.ts';

/** A function as the gateway addresses it, with its metrics at hand. */
export interface Target {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  /** Callers must show a token. */
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
  /** It was asked for a token: what was shown is not for the function. */
  readonly guarded: boolean;
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
  readonly #doorkeeper: Doorkeeper;
  platform: PlatformEntry | undefined;
  /** The last Host header and its name: most requests come through one. */
  #header = '';
  #host = '';

  constructor(domain: string, doorkeeper: Doorkeeper) {
    this.#doorkeeper = doorkeeper;
    this.#domain = `.${domain.toLowerCase()}`;
  }

  put(entry: ProjectionEntry): void {
    if (entry.kind === 'function') this.#putFunction(entry);
    else if (entry.kind === 'route') this.#routes.put(entry);
    else if (entry.kind === 'platform') {
      this.platform = entry;
      this.#doorkeeper.setPlatformTokens(entry.tokenHashes);
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
   * @throws {TsumugiError} NotFound; MethodNotAllowed with what is allowed; Unauthorized or Forbidden where it needs a token.
   * @throws {NotYetKnown} Whose token it is must be asked first.
   */
  resolve(method: string, host: string, url: string, authorization: string | undefined): Resolution {
    const resolution = this.#resolve(method, host, url, authorization);
    const { target } = resolution;
    if (resolution.guarded || !target.isPrivate) return resolution;
    this.#doorkeeper.check(authorization, target.namespace, `function "${target.name}" is private: it`);
    return { ...resolution, guarded: true };
  }

  #resolve(method: string, host: string, url: string, authorization: string | undefined): Resolution {
    const query = url.indexOf('?');
    const path = query === -1 ? url : url.slice(0, query);
    const byHost = this.#byHost(method, host, path, url, authorization);
    if (byHost) return byHost;
    if (path.startsWith(FUNCTION)) return this.#byFunctionPath(path, url);
    if (path.startsWith(CALL)) return this.#byCall(method, path, authorization);
    const match = this.#routes.matchAny(path, method);
    if (match && 'route' in match) return this.#byRoute(match.route, url, authorization);
    if (match) throw new MethodNotAllowed(method, path, match.allow);
    throw new TsumugiError('NotFound', `no route has the path ${path}`, {
      hint: didYouMean(path, this.#routes.paths()) ?? this.#whatExists(),
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

  #byHost(method: string, header: string, path: string, url: string, authorization: string | undefined): Resolution | undefined {
    if (header !== this.#header) {
      const colon = header.lastIndexOf(':');
      this.#host = (colon > header.lastIndexOf(']') ? header.slice(0, colon) : header).toLowerCase();
      this.#header = header;
    }
    const host = this.#host;
    const match = this.#routes.matchHost(host, path, method);
    if (match && 'route' in match) return this.#byRoute(match.route, url, authorization);
    if (match) throw new MethodNotAllowed(method, path, match.allow);
    if (!host.endsWith(this.#domain)) return undefined;
    const [name, namespace, ...more] = host.slice(0, -this.#domain.length).split('.');
    if (!name || !namespace || more.length > 0) return undefined;
    const target = this.#target(namespace, name);
    if (!target) throw this.#noFunction(namespace, name);
    return { target, url, export: '', guarded: false };
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
    return { target, url: rest.startsWith('/') ? rest : `/${rest}`, export: '', guarded: false };
  }

  #byRoute({ namespace, function: name, needsToken }: RouteEntry, url: string, authorization: string | undefined): Resolution {
    // First: whoever has none hears nothing of what is behind it.
    if (needsToken) this.#doorkeeper.check(authorization, namespace, 'this path');
    const target = this.#target(namespace, name);
    if (!target) throw this.#noFunction(namespace, name);
    return { target, url, export: '', guarded: needsToken === true };
  }

  #byCall(method: string, path: string, authorization: string | undefined): Resolution {
    const [segment = '', wanted, ...more] = path.slice(CALL.length).split('/');
    const [name = '', namespace = 'default'] = segment.split('.');
    this.#doorkeeper.check(authorization, namespace, 'this path');
    if (method !== 'POST') throw new MethodNotAllowed(method, path, ['POST']);
    if (more.length > 0) throw new TsumugiError('NotFound', `no such path: ${path}`, { hint: 'it is /call/NAME[.NAMESPACE]/EXPORT' });
    const target = this.#target(namespace, name);
    if (!target) throw this.#noFunction(namespace, name);
    const entry = this.#functions.get(target.key)!;
    return { target, url: '/', export: encodeURIComponent(exportOf(entry, wanted === undefined ? '' : decode(wanted))), guarded: true };
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
