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
  // Decoded first, as the real server does it: an encoded slash is a slash. Slashes at the end are none.
  const parts = decoded(path).replace(/\/+$/, '').split('/').slice(1);
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

/** Bytes that are no UTF-8 name nothing that exists, but are no broken path. */
function decoded(path: string): string {
  if (/%(?![\da-f]{2})/i.test(path)) throw badRequest(`invalid path ${JSON.stringify(path)}`);
  if (!path.includes('%')) return path;
  const bytes = path.replaceAll(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** Throws BadRequest for names that would be another path. */
export function checkName(name: string): void {
  const wrong = name === '.' || name === '..' ? `may not be '${name}'` : name.includes('%') ? "may not contain '%'" : undefined;
  if (wrong) throw badRequest(`Name parameter invalid: ${JSON.stringify(name)}: ${wrong}`);
}
