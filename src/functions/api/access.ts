/** Who may call what of the platform API, where it is open to more than this machine's user. */
import { TsumugiError } from '../../base/errors.ts';
import type { Permissions } from '../../resources/permissions.ts';
import type { Account } from '../identity/callers.ts';

/** Gateways follow the projection and ask for instances; users bring packages and read logs. */
export type PlatformRole = 'gateway' | 'user';

const forGateways = /^\/v1\/(projection$|activate$|instances\/|tokens\/)/;

/** What user code may call in its own namespace, and the permission that it needs. */
const forCode: readonly (readonly [RegExp, keyof Permissions])[] = [[/^\/v1\/namespaces\/([^/]+)\/store(?:\/|$)/, 'store']];

/** The path of a request as endpoints see it. Undefined: it cannot be read. */
export function pathOf(url: string | undefined): string | undefined {
  return URL.parse(url ?? '/', 'http://platform')?.pathname;
}

/** `path`: of `pathOf`. */
export function mayCall(role: PlatformRole, path: string): boolean {
  return forGateways.test(path) === (role === 'gateway');
}

/** Throws Forbidden where the code of this account may not call `path`, of `pathOf`. */
export function checkCode({ namespace, name, permissions }: Account, path: string): void {
  const who = `the account ${name} of namespace ${namespace}`;
  for (const [paths, permission] of forCode) {
    const [, asked] = paths.exec(path) ?? [];
    if (asked === undefined) continue;
    if (decodeURIComponent(asked) !== namespace)
      throw new TsumugiError('Forbidden', `${who} asks for namespace ${decodeURIComponent(asked)}`, {
        hint: 'code may use its own namespace alone',
      });
    if (permissions?.[permission] === true) return;
    throw new TsumugiError('Forbidden', `${who} may not use the ${permission}`, {
      hint: `declare it in the spec of its function: permissions: { ${permission}: true }`,
    });
  }
  throw new TsumugiError('Forbidden', `${who} may not call ${path}`, { hint: 'that is for users of the platform, with their token' });
}
