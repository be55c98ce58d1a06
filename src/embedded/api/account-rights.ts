/** What a ServiceAccount may do here: what the Function or JobDefinition that owns it declares as `permissions`, and nothing else. */
import { ownerOfAccount, permissionsOf, rulesOf } from '../../resources/permissions.ts';
import { functions, jobDefinitions } from '../../resources/resources.ts';
import type { Store } from '../storage/store.ts';
import type { User } from './authorize.ts';
import { objectOf } from './rows.ts';

/** Where owners are stored. */
const resourceOf: Readonly<Record<string, string>> = {
  Function: `${functions.plural}.${functions.group}`,
  JobDefinition: `${jobDefinitions.plural}.${jobDefinitions.group}`,
};

/** Read anew for each request: a right that is taken away is gone at once. */
export async function accountRights(store: Store, namespace: string, name: string): Promise<User['rights']> {
  const [account] = await store.get([{ resource: 'serviceaccounts', namespace, name }]);
  const owner = account && ownerOfAccount(objectOf(account));
  const resource = owner && resourceOf[owner.kind];
  if (!resource) return undefined;
  const [row] = await store.get([{ resource, namespace, name: owner.name }]);
  const permissions = row?.uid === owner.uid ? permissionsOf(objectOf(row)) : undefined;
  return permissions && { namespace, rules: rulesOf(permissions) };
}
