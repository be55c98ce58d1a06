/** Creates that are questions: who am I, what may I, a token for this account. Answered at once, never stored. */
import type { KindDefinition } from '../../resources/kind.ts';
import {
  selfSubjectAccessReviewKind,
  selfSubjectReviewKind,
  selfSubjectRulesReviewKind,
  tokenRequestKind,
  tokenReviewKind,
} from '../../resources/builtin/reviews.ts';
import type { SelfSubjectAccessReview, SelfSubjectReview, SelfSubjectRulesReview, TokenReview } from '../../resources/builtin/reviews.ts';
import { invalid as invalidField } from '../../resources/field-errors.ts';
import type { FieldError } from '../../resources/kind.ts';
import type { KubeObject } from '../../resources/object.ts';
import type { StoredRow } from '../storage/store.ts';
import { issuer } from './account-tokens.ts';
import { managersText } from './apply/managers.ts';
import { mayReadPath, rulesOf } from './authorize.ts';
import type { User } from './authorize.ts';
import { keyOf, timestamp } from './core.ts';
import type { Call, Core } from './core.ts';
import type { WriteCall } from './creating.ts';
import { placed } from './creating.ts';
import { readObject } from './decode-object.ts';
import { unstoredRow } from './rows.ts';
import { badRequest, invalid, qualified } from './status.ts';
import { answerTokenRequest } from './token-request.ts';
import { managersOfNew, managersSaid, writerOf } from './writers.ts';

interface Question {
  /** What is sent and answered. */
  readonly kind: KindDefinition;
  readonly answer: (core: Core, call: Call, asked: KubeObject) => KubeObject | Promise<KubeObject>;
  /** The answer says who asked what, as `managedFields`. */
  readonly managed: boolean;
}

const question = <T extends KubeObject>(
  kind: KindDefinition<T>,
  answer: (core: Core, call: Call, asked: T) => T | Promise<T>,
  managed: boolean,
): Question => ({ kind, answer, managed }) as unknown as Question;

const questions: Readonly<Record<string, Question>> = {
  [qualified(selfSubjectReviewKind)]: question(selfSubjectReviewKind, whoAmI, false),
  [qualified(tokenReviewKind)]: question(tokenReviewKind, whoseToken, true),
  [qualified(selfSubjectAccessReviewKind)]: question(selfSubjectAccessReviewKind, mayI, true),
  [qualified(selfSubjectRulesReviewKind)]: question(selfSubjectRulesReviewKind, whatMayI, false),
  'serviceaccounts/token': question(tokenRequestKind, answerTokenRequest, true),
};

const questionOf = ({ kind, subresource }: Pick<Call, 'kind' | 'subresource'>): Question | undefined => {
  const name = subresource ? `${qualified(kind)}/${subresource}` : qualified(kind);
  return Object.hasOwn(questions, name) ? questions[name] : undefined;
};

/** The kind of object that a create at this place takes and answers; undefined: nothing is asked here. */
export const askedKind = (call: Pick<Call, 'kind' | 'subresource'>): KindDefinition | undefined => questionOf(call)?.kind;

/** Undefined: the call asks nothing, it wants something stored. */
export async function answer(core: Core, call: Call, sent: unknown, options: WriteCall): Promise<StoredRow | undefined> {
  const found = questionOf(call);
  if (!found) return undefined;
  const { kind } = found;
  const asked = readObject(kind, sent, {
    fieldValidation: options.fieldValidation ?? 'Warn',
    ...(options.duplicates && { duplicates: options.duplicates }),
    warn: call.warn,
  });
  const managers = managersText(managersOfNew(writerOf(core, { ...call, kind }, options.fieldManager), kind, managersSaid(sent), asked));
  const metadata = {
    ...placed({ ...call, kind }, asked).metadata,
    ...(found.managed && managers !== '' && { managedFields: JSON.parse(managers) as unknown[] }),
  };
  return unstoredRow(kind, keyOf(call), await found.answer(core, call, { ...asked, metadata }), '', 0);
}

const infoOf = ({ name, uid, groups, extra }: User): object => ({ username: name, ...(uid && { uid }), groups, ...(extra && { extra }) });

/** All that was sent is forgotten. */
function whoAmI(core: Core, { user }: Call, asked: SelfSubjectReview): SelfSubjectReview {
  const { apiVersion, kind } = asked;
  const metadata = { creationTimestamp: timestamp(core.clock.now()) } as KubeObject['metadata'];
  return { apiVersion, kind, metadata, status: { userInfo: infoOf(user) } };
}

async function whoseToken(core: Core, _: Call, asked: TokenReview): Promise<TokenReview> {
  const { token, audiences = [issuer] } = asked.spec ?? {};
  if (!token) throw badRequest('token is required for TokenReview in authentication');
  const found = await core.tokens.authenticate(token, audiences);
  return {
    ...asked,
    status: found
      ? { authenticated: true, user: infoOf(found.user), audiences: found.audiences }
      : { user: {}, error: 'invalid bearer token' },
  };
}

function mayI(core: Core, { user }: Call, asked: SelfSubjectAccessReview): SelfSubjectAccessReview {
  const { resourceAttributes: about, nonResourceAttributes: path } = asked.spec ?? {};
  const errors: FieldError[] = [];
  if (about && path)
    errors.push(
      invalidField(
        'spec.nonResourceAttributes',
        { Path: path.path ?? '', Verb: path.verb ?? '' },
        'cannot be specified in combination with resourceAttributes',
      ),
    );
  if (!about && !path)
    errors.push(
      invalidField('spec.resourceAttributes', null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified'),
    );
  const { managedFields: _, ...metadata } = asked.metadata;
  if (Object.keys(metadata).length > 0) errors.push(invalidField('metadata', asked.metadata, 'must be empty'));
  if (errors.length > 0) throw invalid({ kind: '', group: selfSubjectAccessReviewKind.group }, '', errors);
  return { ...asked, status: { allowed: about ? isAllowed(core, user, about) : mayReadPath(user, path?.verb ?? '', path?.path ?? '') } };
}

type ResourceAttributes = NonNullable<NonNullable<SelfSubjectAccessReview['spec']>['resourceAttributes']>;

function isAllowed(core: Core, user: User, about: ResourceAttributes): boolean {
  const { verb = '', group = '', resource = '', subresource, namespace = '', name = '' } = about;
  return core.authorize(user, verb, { group, plural: subresource ? `${resource}/${subresource}` : resource }, namespace, name);
}

function whatMayI(_: Core, { user }: Call, asked: SelfSubjectRulesReview): SelfSubjectRulesReview {
  if (!asked.spec?.namespace) throw badRequest('no namespace on request');
  return {
    ...asked,
    metadata: {} as KubeObject['metadata'],
    spec: {},
    status: { ...rulesOf(user, asked.spec.namespace), incomplete: false },
  };
}
