/** From a request's body to an object of the kind: types, unknown and duplicate fields, defaults. */
import type { KindDefinition } from '../../resources/kind.ts';
import { apiVersionOf, defaulted, kindOf, prune, typeError, unknownFields } from '../../resources/kinds.ts';
import type { KubeObject } from '../../resources/object.ts';
import { badRequest } from './status.ts';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface ReadOptions {
  readonly fieldValidation: FieldValidation;
  /** Paths that the body had twice. */
  readonly duplicates?: readonly string[];
  readonly warn: (text: string) => void;
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
  const object = withType(kind, sent, refuse);
  const wrong = typeError(kind.structure, object);
  if (wrong) throw refuse(wrong);
  if (options.fieldValidation !== 'Ignore') {
    const unknown = unknownFields(kind.structure, object).map((path) => `unknown field "${path}"`);
    const duplicates = (options.duplicates ?? []).map((path) => `duplicate field "${path}"`);
    // The real server finds duplicates of custom kinds while it parses, and what is unknown once it knows the schema.
    const problems = kind.origin === 'custom' ? [...duplicates, ...unknown] : [...unknown, ...duplicates];
    if (problems.length > 0 && options.fieldValidation === 'Strict') throw refuse(`strict decoding error: ${problems.join(', ')}`);
    for (const problem of problems) options.warn(problem);
  }
  return defaulted(kind, prune(kind.structure, object));
}

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
