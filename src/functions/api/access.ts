/** Who may call what of the platform API, where it is open to more than this machine's user. */
import { TsumugiError } from '../../base/errors.ts';
import type { Permissions } from '../../resources/permissions.ts';
import type { Account } from '../identity/callers.ts';

/** Gateways follow the projection and ask for instances; users bring packages and read logs. */
export type PlatformRole = 'gateway' | 'user';

const forGateways = /^\/v1\/(projection$|activate$|instances\/|tokens\/)/;

/** What user code may call in its own namespace, and the permission that it needs. */
const forCode: readonly {
  readonly path: RegExp;
  readonly what: string;
  readonly isIn: (permissions: Permissions) => boolean;
  readonly declare: string;
}[] = [
  {
    path: /^\/v1\/namespaces\/([^/]+)\/store(?:\/|$)/,
    what: 'the store',
    isIn: ({ store }) => store === true,
    declare: 'store: true',
  },
  {
    path: /^\/v1\/namespaces\/([^/]+)\/runners(?:\/|$)/,
    what: 'runners',
    isIn: ({ run }) => run?.includes('runners') === true,
    declare: 'run: [runners]',
  },
];

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
  for (const each of forCode) {
    const [, asked] = each.path.exec(path) ?? [];
    if (asked === undefined) continue;
    if (decodeURIComponent(asked) !== namespace)
      throw new TsumugiError('Forbidden', `${who} asks for namespace ${decodeURIComponent(asked)}`, {
        hint: 'code may use its own namespace alone',
      });
    if (permissions && each.isIn(permissions)) return;
    throw new TsumugiError('Forbidden', `${who} may not use ${each.what}`, {
      hint: `declare it in the spec of its function or job: permissions: { ${each.declare} }`,
    });
  }
  throw new TsumugiError('Forbidden', `${who} may not call ${path}`, { hint: 'that is for users of the platform, with their token' });
}
