/** From a path to what it speaks of. */
import type { KindDefinition } from '../../resources/kind.ts';
import { badRequest, noSuchResource } from './status.ts';

/** `/api/v1/namespaces/NS/pods/NAME/log` taken apart. */
export interface ResourcePath {
  readonly kind: KindDefinition;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  /** The old form `/api/v1/watch/…`. */
  readonly watch: boolean;
}

export interface KindLookup {
  kindOf(resource: { readonly group: string; readonly version: string; readonly plural: string }): KindDefinition | undefined;
}

/** Undefined: no path of a resource (discovery, health, unknown). Throws 404 for a resource that is not served. */
export function resourcePath(path: string, server: KindLookup): ResourcePath | undefined {
  let parts: string[];
  try {
    parts = path.split('/').slice(1).map(decodeURIComponent);
  } catch {
    throw badRequest(`invalid path ${JSON.stringify(path)}`);
  }
  const root = parts.shift();
  if (root !== 'api' && root !== 'apis') return undefined;
  const group = root === 'api' ? '' : (parts.shift() ?? '');
  const version = parts.shift() ?? '';
  if (!version || parts.length === 0 || parts[0] === '') return undefined;
  const watch = parts[0] === 'watch';
  if (watch) parts.shift();
  const lookup = (plural: string | undefined): KindDefinition => {
    const kind = plural ? server.kindOf({ group, version, plural }) : undefined;
    if (!kind) throw noSuchResource();
    return kind;
  };
  // `namespaces/NS/RESOURCE…` is of a namespace; `namespaces/NS` and its own subresources are the object itself.
  const inNamespace = parts[0] === 'namespaces' && parts.length > 2 && !['status', 'finalize'].includes(parts[2] as string);
  if (!inNamespace) {
    const [plural, name = '', subresource = '', ...rest] = parts;
    const kind = lookup(plural);
    if (rest.length > 0 || (kind.namespaced && name !== '')) throw noSuchResource();
    return { kind, namespace: '', name, subresource, watch };
  }
  const [, namespace = '', plural, name = '', subresource = '', ...rest] = parts;
  const kind = lookup(plural);
  if (!kind.namespaced || rest.length > 0 || namespace === '') throw noSuchResource();
  return { kind, namespace, name, subresource, watch };
}
