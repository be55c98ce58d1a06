/** `kubectl create token`: the subresource `token` of a ServiceAccount. */
import type { TokenRequest } from '../../resources/builtin/reviews.ts';
import { tokenRequestKind } from '../../resources/builtin/reviews.ts';
import { invalid as invalidField } from '../../resources/field-errors.ts';
import type { FieldError } from '../../resources/kind.ts';
import type { KubeObject } from '../../resources/object.ts';
import { boundResources, issuer } from './account-tokens.ts';
import type { Bound, TokenWish } from './account-tokens.ts';
import { keyOf, timestamp } from './core.ts';
import type { Call, Core } from './core.ts';
import { objectOf } from './rows.ts';
import { badRequest, conflict, invalid, notFound } from './status.ts';

const fewestSeconds = 600;
const mostSeconds = 2 ** 32;

/** The account must be there, and what the token is bound to. */
export async function answerTokenRequest(core: Core, call: Call, asked: TokenRequest): Promise<TokenRequest> {
  const [row] = await core.store.get([keyOf(call)]);
  if (!row) throw notFound(call.kind, call.name);
  const account = objectOf(row);
  const { name } = asked.metadata;
  if (name && name !== call.name)
    throw invalid(tokenRequestKind, call.name, [invalidField('metadata.name', name, 'must match the service account name if specified')]);
  const { audiences, expirationSeconds: seconds = 0, boundObjectRef } = asked.spec;
  const errors: FieldError[] = [];
  if (seconds < fewestSeconds)
    errors.push(invalidField('spec.expirationSeconds', seconds, 'may not specify a duration less than 10 minutes'));
  if (seconds > mostSeconds)
    errors.push(invalidField('spec.expirationSeconds', seconds, 'may not specify a duration larger than 2^32 seconds'));
  if (errors.length > 0) throw invalid(tokenRequestKind, '', errors);
  const wish: TokenWish = {
    account,
    audiences: audiences?.length ? audiences : [issuer],
    seconds,
    ...(boundObjectRef && { bound: await boundObject(core, call, boundObjectRef) }),
  };
  const { token, expires } = core.tokens.issue(wish);
  return {
    ...asked,
    metadata: { ...asked.metadata, name: call.name, uid: account.metadata.uid ?? '', creationTimestamp: timestamp(core.clock.now()) },
    spec: { audiences: wish.audiences, expirationSeconds: seconds, boundObjectRef: boundObjectRef ?? null },
    status: { token, expirationTimestamp: timestamp(expires * 1000) },
  };
}

async function boundObject(
  core: Core,
  call: Call,
  ref: NonNullable<TokenRequest['spec']['boundObjectRef']>,
): Promise<NonNullable<TokenWish['bound']>> {
  const { apiVersion = '', kind = '', name = '', uid } = ref;
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const bound = kind.toLowerCase() as Bound;
  if (group !== '' || version !== 'v1' || !Object.hasOwn(boundResources, bound) || kind !== `${kind.charAt(0)}${bound.slice(1)}`)
    throw badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${kind}`);
  const plural = boundResources[bound];
  const resource = { group: '', version: 'v1', plural, kind, namespaced: bound !== 'node' };
  const [row] = await core.store.get([{ resource: plural, namespace: bound === 'node' ? '' : call.namespace, name }]);
  if (!row) throw notFound(resource, name);
  const object = objectOf(row);
  if (uid && uid !== object.metadata.uid)
    throw conflict(
      resource,
      name,
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  const account = (object as KubeObject & { spec?: { serviceAccountName?: string } }).spec?.serviceAccountName ?? 'default';
  if (bound === 'pod' && account !== call.name)
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(call.name)} to pod running with different serviceaccount name.`,
    );
  return { kind: bound, object };
}
