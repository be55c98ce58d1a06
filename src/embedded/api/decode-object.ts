/** From a request's body to an object of the kind: types, unknown and duplicate fields, defaults. */
import type { KindDefinition } from '../../resources/kind.ts';
import { apiVersionOf, defaulted, prune, typeError, unknownFields } from '../../resources/kinds.ts';
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
  const object = withType(kind, sent);
  const wrong = typeError(kind.structure, object);
  if (wrong) throw refuse(wrong);
  if (options.fieldValidation !== 'Ignore') {
    const problems = [
      ...unknownFields(kind.structure, object).map((path) => `unknown field "${path}"`),
      ...(options.duplicates ?? []).map((path) => `duplicate field "${path}"`),
    ];
    if (problems.length > 0 && options.fieldValidation === 'Strict') throw refuse(`strict decoding error: ${problems.join(', ')}`);
    for (const problem of problems) options.warn(problem);
  }
  return defaulted(kind, prune(kind.structure, object));
}

function withType(kind: KindDefinition, sent: Partial<KubeObject>): KubeObject {
  const apiVersion = apiVersionOf(kind);
  const says = { apiVersion: sent.apiVersion || apiVersion, kind: sent.kind || kind.kind };
  if (says.kind !== kind.kind || says.apiVersion !== apiVersion) {
    if (kind.origin === 'custom')
      throw badRequest(
        `the API version in the data (${says.apiVersion}) and kind (${says.kind}) do not match the expected API version (${apiVersion}) and kind (${kind.kind})`,
      );
    const version = says.apiVersion.split('/').at(-1);
    throw badRequest(
      `${says.kind} in version "${version}" cannot be handled as a ${kind.kind}: no kind "${kind.kind}" is registered for version "${says.apiVersion}"`,
    );
  }
  return { ...sent, ...says, metadata: sent.metadata ?? ({} as KubeObject['metadata']) };
}
