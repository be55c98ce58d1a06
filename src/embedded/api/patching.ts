/** patch: JSON, merge and strategic. Server-side apply is in `applying.ts`. */
import { deepFreeze } from './frozen.ts';
import type { KubeObject } from '../../resources/object.ts';
import type { Patch } from '../../kube/client.ts';
import type { StoredRow } from '../storage/store.ts';
import type { Call, Core } from './core.ts';
import type { WriteCall } from './creating.ts';
import { readObject } from './decode-object.ts';
import { wholeObjectOf } from './rows.ts';
import { goText } from './go-text.ts';
import { applyJsonPatch, PatchError } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';
import { badRequest, entityTooLarge, invalidPatch, malformed, unprocessable, unsupportedMediaType } from './status.ts';
import { applyStrategicPatch } from './strategic-patch.ts';
import { StrategicPatchError } from './strategic-types.ts';
import { change } from './updating.ts';
import { managersSaid } from './writers.ts';

export type PatchBody = Patch;

export const patchTypes: Readonly<Record<string, Patch['type']>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
};

/** Strategic patches need Go types: the real server has none for custom resources. */
const customPatchTypes = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml'];

const maxOperations = 10_000;

export async function patch(core: Core, call: Call, patch: Patch, options: WriteCall): Promise<StoredRow> {
  if (patch.type === 'strategic' && call.kind.origin === 'custom') throw unsupportedMediaType(customPatchTypes);
  checkShape(patch);
  const warned = new Set<string>();
  const warn = (text: string): void => {
    // The change may be computed again after a conflict: one warning is enough.
    if (!warned.has(text)) call.warn(text);
    warned.add(text);
  };
  return change(core, call, options, (old, row) => {
    const corrects = correctsManagers(patch);
    const patched = deepFreeze(apply(call, corrects ? wholeObjectOf(row) : old, patch));
    const refuse = (why: string): Error => invalidPatch(patch.type === 'strategic' ? goText(patch.body) : JSON.stringify(patched), why);
    const object = readObject(
      call.kind,
      patched,
      {
        fieldValidation: options.fieldValidation ?? 'Warn',
        ...(options.duplicates && { duplicates: options.duplicates }),
        warn,
        patch: patch.type,
        stored: old,
      },
      refuse,
    );
    return corrects ? { object, said: managersSaid(patched) } : { object };
  });
}

/** Only such a patch needs to see who manages what. */
function correctsManagers({ type, body }: Patch): boolean {
  if (type !== 'json') return managersIn(body);
  return body.some((operation) => {
    const { path } = operation as { path?: unknown };
    return typeof path === 'string' && (path === '' || path === '/metadata' || path.startsWith('/metadata/managedFields'));
  });
}

function managersIn(body: object | null): boolean {
  const { metadata } = (body ?? {}) as Partial<KubeObject>;
  return typeof metadata === 'object' && metadata !== null && 'managedFields' in metadata;
}

function checkShape({ type, body }: Patch): void {
  if (type === 'json') {
    if (!Array.isArray(body))
      throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp');
    if (body.length > maxOperations)
      throw entityTooLarge(`The allowed maximum operations in a JSON patch is ${maxOperations}, got ${body.length}`);
  } else if (typeof body !== 'object' || Array.isArray(body)) {
    const kind = Array.isArray(body) ? 'array' : typeof body === 'boolean' ? 'bool' : typeof body;
    const before = type === 'strategic' ? '' : 'error decoding patch: ';
    throw badRequest(`${before}json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`);
  }
}

function apply(call: Call, old: KubeObject, patch: Patch): unknown {
  try {
    if (patch.type === 'json') return applyJsonPatch(old, patch.body);
    if (patch.type === 'merge') return applyMergePatch(old, patch.body);
    return applyStrategicPatch({ structure: call.kind.structure }, old, patch.body);
  } catch (error) {
    if (error instanceof PatchError) throw unprocessable();
    if (!(error instanceof StrategicPatchError)) throw error;
    if (error.code === 422) throw unprocessable();
    throw error.code === 400 ? badRequest(error.message) : malformed(error.message);
  }
}
