/** `--permission`: one word for each thing that the code of a function may do in its namespace. */
import { manageable, type Manageable, type Permissions } from '../resources/permissions.ts';

/** `none` takes away what it had before. */
export const permissionWords = [...manageable, 'runners', 'emit', 'store', 'none'] as const;

/** To be merged over what it has; null takes away. */
export type PermissionsPatch = { readonly [K in keyof Permissions]?: Permissions[K] | null } | null;

/** What a function has already, and these words besides; with `none` these words alone, and with nothing else no identity. */
export function withPermissions(current: Permissions | undefined, words: readonly string[]): PermissionsPatch {
  const isAnew = words.includes('none');
  if (isAnew && words.every((word) => word === 'none')) return null;
  const manage = words.filter((word): word is Manageable => (manageable as readonly string[]).includes(word));
  const all = [...new Set([...(isAnew ? [] : (current?.manage ?? [])), ...manage])];
  return {
    ...(isAnew ? { manage: null, run: null, emit: null, store: null } : current),
    ...(all.length > 0 && { manage: all }),
    ...(words.includes('runners') && { run: ['runners'] }),
    ...(words.includes('emit') && { emit: true }),
    ...(words.includes('store') && { store: true }),
  };
}

/** For people; undefined where there are none. */
export function permissionsText(permissions: Permissions | undefined): string | undefined {
  if (!permissions) return undefined;
  const { run = [], manage = [], emit, store } = permissions;
  const all = [
    ...(store ? ['the store'] : []),
    ...(emit ? ['emit events'] : []),
    ...run.map((what) => `run ${what}`),
    ...manage.map((kind) => `manage ${kind}`),
  ];
  return all.length > 0 ? all.join(', ') : 'an identity, without rights';
}
