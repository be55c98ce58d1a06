import type { RouteEntry } from '../invoke/projection.ts';

/** A route ready to be matched. */
interface Compiled {
  readonly entry: RouteEntry;
  readonly template: RegExp | undefined;
}

/** Routes of one host. */
interface HostRoutes {
  readonly exact: Map<string, Compiled[]>;
  readonly templates: Compiled[];
  /** Longest first. */
  readonly prefixes: Compiled[];
}

export type RouteMatch = { readonly route: RouteEntry } | { readonly allow: readonly string[] } | undefined;

/**
 * The Routes, compiled when they change. Precedence: host (exact, then `*.domain`, then none), exact path, template, longest prefix,
 * oldest. A route whose method does not fit lets the next one answer.
 */
export class RouteTable {
  readonly #entries = new Map<string, RouteEntry>();
  #hosts: Map<string, HostRoutes> | undefined;

  put(entry: RouteEntry): void {
    this.#entries.set(`${entry.namespace}/${entry.name}`, entry);
    this.#hosts = undefined;
  }

  delete(key: string): void {
    this.#entries.delete(key);
    this.#hosts = undefined;
  }

  /** Routes of that host by name (lower case, no port). `allow`: the path exists, with these methods. */
  matchHost(host: string, path: string, method: string): RouteMatch {
    if (this.#entries.size === 0) return undefined;
    const hosts = (this.#hosts ??= compile(this.#entries.values()));
    const allow: string[] = [];
    for (const name of [host, `*${host.slice(Math.max(0, host.indexOf('.')))}`]) {
      const found = find(hosts.get(name), path, method, allow);
      if (found) return { route: found };
    }
    return allow.length > 0 ? { allow } : undefined;
  }

  /** Routes for any host. */
  matchAny(path: string, method: string): RouteMatch {
    if (this.#entries.size === 0) return undefined;
    const hosts = (this.#hosts ??= compile(this.#entries.values()));
    const allow: string[] = [];
    const found = find(hosts.get(''), path, method, allow);
    if (found) return { route: found };
    return allow.length > 0 ? { allow } : undefined;
  }

  /** Paths that exist for any host, for a 404 that helps. */
  paths(): string[] {
    return [...this.#entries.values()].map(
      (entry) => `${entry.hosts[0] ?? ''}${entry.path ?? `${entry.prefix === '/' ? '' : entry.prefix}/…`}`,
    );
  }
}

function compile(entries: Iterable<RouteEntry>): Map<string, HostRoutes> {
  const hosts = new Map<string, HostRoutes>();
  const oldestFirst = [...entries].sort(
    (a, b) => a.created - b.created || `${a.namespace}/${a.name}`.localeCompare(`${b.namespace}/${b.name}`),
  );
  for (const entry of oldestFirst) {
    const compiled: Compiled = { entry, template: entry.path?.includes('{') ? templatePattern(entry.path) : undefined };
    for (const host of entry.hosts.length > 0 ? entry.hosts : ['']) {
      const name = host.toLowerCase();
      let routes = hosts.get(name);
      if (!routes) hosts.set(name, (routes = { exact: new Map(), templates: [], prefixes: [] }));
      if (compiled.template) routes.templates.push(compiled);
      else if (entry.path === undefined) routes.prefixes.push(compiled);
      else routes.exact.set(entry.path, [...(routes.exact.get(entry.path) ?? []), compiled]);
    }
  }
  for (const { prefixes } of hosts.values()) prefixes.sort((a, b) => b.entry.prefix!.length - a.entry.prefix!.length);
  return hosts;
}

/** `/orders/{id}`: each `{name}` is one segment, which may not be empty. */
function templatePattern(template: string): RegExp {
  const pattern = template.split(/\{[^}]*\}/).map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${pattern.join('[^/]+')}$`);
}

function find(routes: HostRoutes | undefined, path: string, method: string, allow: string[]): RouteEntry | undefined {
  if (!routes) return undefined;
  for (const { entry } of routes.exact.get(path) ?? []) if (allows(entry, method, allow)) return entry;
  for (const { entry, template } of routes.templates) if (template!.test(path) && allows(entry, method, allow)) return entry;
  for (const { entry } of routes.prefixes) if (underPrefix(path, entry.prefix!) && allows(entry, method, allow)) return entry;
  return undefined;
}

/** By segments: `/orders` covers `/orders` and `/orders/7`, not `/ordersX`. */
function underPrefix(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false;
  return path.length === prefix.length || prefix.endsWith('/') || path[prefix.length] === '/';
}

/** HEAD is answered wherever GET is. */
function allows(entry: RouteEntry, method: string, allow: string[]): boolean {
  const { methods } = entry;
  if (methods.length === 0 || methods.includes(method) || (method === 'HEAD' && methods.includes('GET'))) return true;
  for (const name of methods) if (!allow.includes(name)) allow.push(name);
  return false;
}
