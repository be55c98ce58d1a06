/** Server-side apply: a patch of type `application/apply-patch+yaml`. */
import { isAlreadyExists, isNotFound } from '../../resources/object.ts';
import type { KubeObject } from '../../resources/object.ts';
import type { StoredRow } from '../storage/store.ts';
import { apply } from './apply/apply.ts';
import type { Applied } from './apply/apply.ts';
import { configErrors } from './apply/config-errors.ts';
import { ApplyConflicts } from './apply/conflicts.ts';
import { fieldsLastApplied, withLastApplied } from './apply/last-applied.ts';
import { nobody } from './apply/managers.ts';
import type { Managers } from './apply/managers.ts';
import { keyOf } from './core.ts';
import type { Call, Core } from './core.ts';
import { insert, placed } from './creating.ts';
import type { WriteCall } from './creating.ts';
import { readObject } from './decode-object.ts';
import { applyConflict, badRequest, conflict, malformed, notFound } from './status.ts';
import type { Wanted } from './updating.ts';
import { change } from './updating.ts';
import { emptyObject, managersBeforeApply, managersOf, writerOf } from './writers.ts';

export interface ApplyCall extends WriteCall {
  readonly fieldManager: string;
  /** Take what others manage. */
  readonly force?: boolean;
  /** Keys that the configuration has twice, told by line. */
  readonly repeated?: readonly string[];
}

export interface AppliedRow {
  readonly row: StoredRow;
  readonly created: boolean;
}

/** The client that keeps a copy of what it applied in an annotation. */
const kubectl = 'kubectl';
const attempts = 10;

/** `mayCreate` throws where the user may not. */
export async function applyConfig(
  core: Core,
  call: Call,
  config: Partial<KubeObject>,
  options: ApplyCall,
  mayCreate: () => void,
): Promise<AppliedRow> {
  const { fieldValidation = 'Warn', repeated = [] } = options;
  for (let attempt = 1; ; attempt++) {
    const [row] = await core.store.get([keyOf(call)]);
    try {
      if (!row && call.subresource !== '') throw notFound(call.kind, call.name);
      if (!row) mayCreate();
      const applied = row ? await changed(core, call, config, options) : await created(core, call, config, options);
      if (fieldValidation === 'Warn') for (const each of repeated) call.warn(each);
      return { row: applied, created: !row };
    } catch (error) {
      // It came or went meanwhile.
      const isRace = row ? isNotFound(error) : isAlreadyExists(error);
      if (!isRace || call.subresource !== '' || attempt === attempts) throw error;
    }
  }
}

const changed = (core: Core, call: Call, config: Partial<KubeObject>, options: ApplyCall): Promise<StoredRow> =>
  change(core, call, options, (old, row) => wanted(core, call, config, options, old, managersOf(row)));

async function created(core: Core, call: Call, config: Partial<KubeObject>, options: ApplyCall): Promise<StoredRow> {
  const { object, managers } = wanted(core, call, config, options, emptyObject(call.kind), nobody);
  const { uid } = object.metadata;
  if (uid) throw conflict(call.kind, call.name, `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`);
  const inNamespace = placed(call, object);
  requireName(call, inNamespace);
  const { resourceVersion: _, ...metadata } = inNamespace.metadata;
  return insert(core, call, { ...inNamespace, metadata }, managers ?? nobody, options);
}

function requireName(call: Call, { metadata }: KubeObject): void {
  if (!metadata.name) throw badRequest(`the name of the object (${call.name} based on URL) was undeterminable: name must be provided`);
  if (metadata.name !== call.name)
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${call.name})`);
}

function wanted(core: Core, call: Call, config: Partial<KubeObject>, options: ApplyCall, live: KubeObject, before: Managers): Wanted {
  const { kind } = call;
  requireType(call, config);
  const writer = writerOf(core, call, options.fieldManager);
  const attempt = (force: boolean): Applied => apply(writer, managersBeforeApply(writer, kind, before, live), live, config, force);
  const applied = orTaken(call, attempt, live, options);
  const { fieldValidation, repeated = [] } = options;
  if (fieldValidation === 'Strict' && repeated.length > 0) {
    const lines = repeated.map((each) => `  ${each}`).join('\n');
    throw badRequest(`error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n${lines}`);
  }
  const read =
    applied.object === live
      ? live
      : readObject(kind, applied.object, { fieldValidation: 'Ignore', warn: call.warn, patch: 'strategic' }, (why) =>
          malformed(unconverted(call, config, why)),
        );
  return { object: options.fieldManager === kubectl ? withLastApplied(read, config) : read, managers: applied.managers };
}

/** What kubectl itself applied client-side before is no conflict. */
function orTaken(call: Call, attempt: (force: boolean) => Applied, live: KubeObject, { fieldManager, force = false }: ApplyCall): Applied {
  try {
    return attempt(force);
  } catch (error) {
    if (!(error instanceof ApplyConflicts)) throw error;
    const own = fieldManager === kubectl ? fieldsLastApplied(call.kind.structure, live) : undefined;
    const left = own ? error.except(own) : error;
    if (left) throw applyConflict(left.message, left.causes);
    return attempt(true);
  }
}

function unconverted({ kind }: Call, { metadata }: Partial<KubeObject>, why: string): string {
  const type = `${kind.group}/${kind.version}, Kind=${kind.kind}`;
  const where = `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
  return `failed to convert new object (${where}; ${type}) to proper version: unable to convert unstructured object to ${type}: ${why}`;
}

/** The configuration is one of this kind, and has only fields that the kind has. */
function requireType({ kind }: Call, config: Partial<KubeObject>): void {
  const { apiVersion = '', kind: said = '', metadata } = config;
  const [version = '', group = ''] = apiVersion.split('/').toReversed();
  const type = `${group}/${version}, Kind=${said}`;
  if (group !== kind.group || version !== kind.version || said !== kind.kind) throw badRequest(`invalid object type: ${type}`);
  if (metadata?.managedFields !== undefined && metadata.managedFields !== null) throw badRequest('metadata.managedFields must be nil');
  const errors = configErrors(kind.structure, config);
  if (errors.length === 0) return;
  const where = `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
  const list = errors.length === 1 ? errors[0] : ['errors:', ...errors.map((each) => `  ${each}`)].join('\n');
  throw malformed(`failed to create typed patch object (${where}; ${type}): ${list}`);
}
