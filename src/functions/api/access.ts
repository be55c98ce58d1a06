/** Who may call what of the platform API, where it is open to more than this machine's user. */

/** Gateways follow the projection and ask for instances; users bring packages and read logs. */
export type PlatformRole = 'gateway' | 'user';

const forGateways = /^\/v1\/(projection$|activate$|instances\/)/;

/** `path`: without its query. */
export function mayCall(role: PlatformRole, path: string): boolean {
  return forGateways.test(path) === (role === 'gateway');
}
