/** Who asks, and whether they may: the one gate that every request passes. */
import type { Resource } from '../../resources/object.ts';
import { forbidden } from './status.ts';

export interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

/** Who holds the token of the data folder, and the platform itself. */
export const admin: User = { name: 'admin', groups: ['system:masters', 'system:authenticated'] };
export const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** True: allowed. `resource.plural` carries a subresource as `pods/log`. */
export type Authorizer = (user: User, verb: Verb, resource: Pick<Resource, 'group' | 'plural'>, namespace: string, name: string) => boolean;

export const mastersOnly: Authorizer = (user) => user.groups.includes('system:masters');

/** Discovery and the like: everyone who has said who they are. */
export const mayReadPaths = (user: User): boolean => user.groups.includes('system:authenticated');

/** The refusal, in the server's words. */
export function denied(user: User, verb: Verb, resource: Resource, subresource: string, namespace: string, name: string) {
  const what = subresource ? `${resource.plural}/${subresource}` : resource.plural;
  const scope = namespace ? `in the namespace "${namespace}"` : 'at the cluster scope';
  return forbidden(resource, name, `User "${user.name}" cannot ${verb} resource "${what}" in API group "${resource.group}" ${scope}`);
}
