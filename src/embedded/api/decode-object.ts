/** From a request's body to an object of the kind: types, unknown and duplicate fields, defaults. */
import { isDeepStrictEqual } from 'node:util';
import type { KindDefinition } from '../../resources/kind.ts';
import { apiVersionOf, kindOf, prune, typeError, unknownFields, withDefaults, withOwnDefaults } from '../../resources/kinds.ts';
import type { KubeObject } from '../../resources/object.ts';
import { badRequest } from './status.ts';
import { noDuplicates, strictProblems } from './strict.ts';
import type { Duplicates } from './strict.ts';
import { conversionError } from './strategic-types.ts';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface ReadOptions {
  readonly fieldValidation: FieldValidation;
  readonly duplicates?: Duplicates;
  readonly warn: (text: string) => void;
  /** It comes of a patch: what was wrong with the patch itself is told first. `strategic`: converted without JSON. */
  readonly patch?: 'json' | 'merge' | 'strategic';
  /** The object as it is stored: what is shared with it has been read before. */
  readonly stored?: KubeObject | undefined;
}

/** Why an object cannot be read as its kind, told by the caller: a body and a patch answer differently. */
export type Refusal = (why: string) => Error;

export const unreadable =
  (kind: KindDefinition): Refusal =>
  (why) =>
    badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${why}`);

/** The object with its kind's fields alone, defaults filled in. Throws what `refuse` makes of the reason. */
export function readObject(kind: KindDefinition, sent: unknown, options: ReadOptions, refuse: Refusal = unreadable(kind)): KubeObject {
  if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) throw refuse('json: cannot unmarshal into an object');
  const isConverted = options.patch === 'strategic' && kind.origin === 'builtin';
  const object = isConverted ? named(kind, sent) : withType(kind, sent, refuse);
  const news = options.stored ? unshared(object, options.stored) : object;
  const wrong = isConverted ? conversionError(kind.structure, news) : typeError(kind.structure, news);
  if (wrong) throw refuse(wrong);
  if (options.fieldValidation !== 'Ignore') {
    const unknown = unknownFields(kind.structure, news);
    const { errors, warnings } = strictProblems(kind, unknown, options.duplicates ?? noDuplicates, options.patch);
    if (errors.length > 0 && options.fieldValidation === 'Strict') throw refuse(`strict decoding error: ${errors.join(', ')}`);
    for (const warning of warnings) options.warn(warning);
  }
  const read = withDefaults(kind.structure, prune(kind.structure, news));
  return onceOwned(withOwnDefaults(kind, news === object ? read : joined(object, news, read)), options);
}

/** Without the fields that are the very ones of the stored object: it is frozen, so they are what they were when they were read. */
function unshared(object: KubeObject, stored: KubeObject): KubeObject {
  const before = stored as unknown as Record<string, unknown>;
  const isNew = ([key, value]: [string, unknown]): boolean => typeof value !== 'object' || value === null || value !== before[key];
  return Object.fromEntries(Object.entries(object).filter(isNew)) as unknown as KubeObject;
}

/** The object with those of its fields that are news as they have been read. */
function joined(object: KubeObject, news: KubeObject, read: KubeObject): KubeObject {
  const whole: Record<string, unknown> = { ...object, ...read };
  for (const [key, value] of Object.entries(object)) {
    if (!Object.hasOwn(news, key)) whole[key] = value;
    else if (!Object.hasOwn(read, key)) delete whole[key];
  }
  return whole as unknown as KubeObject;
}

/** Without owners that stand twice. */
function onceOwned(object: KubeObject, { warn, patch }: ReadOptions): KubeObject {
  const { ownerReferences: owners } = object.metadata;
  if (!Array.isArray(owners)) return object;
  const once = owners.filter((owner, index) => !owners.slice(0, index).some((each) => isDeepStrictEqual(each, owner)));
  if (once.length === owners.length) return object;
  const twice = owners.filter((owner, index) => owners.slice(0, index).some((each) => isDeepStrictEqual(each, owner)));
  const when = patch ? ' after mutating admission happens' : '';
  const advice = 'API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests';
  const uids = twice.map(({ uid }) => uid).join(', ');
  warn(`.metadata.ownerReferences contains duplicate entries${when}; ${advice}; duplicate UID(s) observed: ${uids}`);
  return { ...object, metadata: { ...object.metadata, ownerReferences: once } };
}

/** A conversion knows what it makes, whatever the object says of itself. */
const named = (kind: KindDefinition, sent: Partial<KubeObject>): KubeObject => ({
  ...sent,
  apiVersion: apiVersionOf(kind),
  kind: kind.kind,
  metadata: sent.metadata ?? ({} as KubeObject['metadata']),
});

/** The object with its apiVersion and kind, which it may leave out but not change. */
function withType(kind: KindDefinition, sent: Partial<KubeObject>, refuse: Refusal): KubeObject {
  const wanted = apiVersionOf(kind);
  const { apiVersion, kind: said } = { apiVersion: sent.apiVersion || wanted, kind: sent.kind || kind.kind };
  if (kind.origin === 'custom') {
    if (apiVersion !== wanted)
      throw badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${wanted})`);
    if (said !== kind.kind) throw badRequest(`the kind in the data (${said}) does not match the expected kind (${kind.kind})`);
  } else if (apiVersion !== wanted || said !== kind.kind) {
    const isKnown = kindOf({ apiVersion, kind: said })?.origin === 'builtin';
    const registered = `no kind ${JSON.stringify(said)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`;
    throw refuse(
      isKnown
        ? `converting (${apiVersion.split('/').at(-1)}.${said}) to (${kind.group.split('.')[0] || 'core'}.${kind.kind}): unknown conversion`
        : registered,
    );
  }
  return { ...sent, apiVersion, kind: said, metadata: sent.metadata ?? ({} as KubeObject['metadata']) };
}
