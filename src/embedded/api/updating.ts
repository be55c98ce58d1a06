/** Everything that changes a stored object: update, patch, status and the other subresources. */
import { isDeepStrictEqual } from 'node:util';

import { check, finalizerWarnings } from '../../resources/kinds.ts';
import type { KubeObject, ObjectMeta } from '../../resources/object.ts';
import type { StoredRow, Write } from '../storage/store.ts';
import { managersText, sameManagers } from './apply/managers.ts';
import type { Managers } from './apply/managers.ts';
import { keyOf } from './core.ts';
import type { Call, Core } from './core.ts';
import { create, placed } from './creating.ts';
import type { WriteCall } from './creating.ts';
import { readObject } from './decode-object.ts';
import { encodeRow, managersTextOf, objectOf, unstoredRow } from './rows.ts';
import { badRequest, conflict, invalid, malformed, notFound, noSuchResource } from './status.ts';
import { binding, countsGeneration, needsVersion, strategyOf } from './strategy.ts';
import { managersAfter, managersOf, managersSaid, writerOf } from './writers.ts';

/** Others' writes in between are retried this often where the caller did not name the version. */
const attempts = 10;

/** What the stored object is to become. */
export interface Wanted {
  readonly object: KubeObject;
  /** Who manages what in it; absent: what it changes becomes the writer's. */
  readonly managers?: Managers | undefined;
  /** The managers that the client says it had before, where it says so. */
  readonly said?: Managers | undefined;
}

/** Makes it from the stored object; called again when another write came in between. */
export type Change = (old: KubeObject, row: StoredRow) => Wanted;

export interface Updated {
  readonly row: StoredRow;
  readonly created: boolean;
}

/** PUT. `mayCreate` throws where the user may not: some kinds are created by an update. */
export async function update(core: Core, call: Call, sent: unknown, options: WriteCall, mayCreate: () => void): Promise<Updated> {
  const { kind } = call;
  const [there] = await core.store.get([keyOf(call)]);
  const read = readObject(kind, sent, {
    fieldValidation: options.fieldValidation ?? 'Warn',
    ...(options.duplicates && { duplicates: options.duplicates }),
    warn: call.warn,
    stored: there && objectOf(there),
  });
  const { uid, resourceVersion } = read.metadata;
  if (!there && strategyOf(kind).createsOnUpdate && call.subresource === '') {
    mayCreate();
    requireName(call, read.metadata.name);
    requireUid(call, options, uid, '');
    const row = await create(core, call, withoutVersion(sent), options);
    // What only seems to be made keeps the version that was sent.
    const shown =
      options.dryRun && resourceVersion ? unstoredRow(kind, row, objectOf(row), managersTextOf(row), Number(resourceVersion)) : row;
    return { row: shown, created: true };
  }
  const row = await change(core, call, options, (old) => {
    requireUid(call, options, uid, old.metadata.uid);
    if (!resourceVersion && needsVersion(kind)) {
      // Kubernetes names the resource here, not the kind.
      throw invalid({ kind: kind.plural, group: kind.group }, call.name, [
        { field: 'metadata.resourceVersion', reason: 'FieldValueInvalid', message: 'Invalid value: 0: must be specified for an update' },
      ]);
    }
    return { object: read, said: managersSaid(sent) };
  });
  return { row, created: false };
}

const withoutVersion = (sent: unknown): unknown => {
  const { metadata, ...rest } = sent as KubeObject;
  const { resourceVersion: _, ...others } = metadata;
  return { ...rest, metadata: others };
};

/** Reads, changes, checks, writes; again from the start when the object changed in between. */
export async function change(core: Core, call: Call, options: WriteCall, make: Change): Promise<StoredRow> {
  const { kind } = call;
  for (let attempt = 1; ; attempt++) {
    const [row] = await core.store.get([keyOf(call)]);
    if (!row) throw notFound(kind, call.name);
    const old = objectOf(row);
    const wanted = make(old, row);
    requireSame(call, wanted.object, row);
    const next = merged(call, wanted.object, old);
    const before = managersOf(row);
    const managers = wanted.managers ?? managersAfter(writerOf(core, call, options.fieldManager), before, wanted.said, old, wanted.object);
    if (isDeepStrictEqual(next, old) && sameManagers(managers, before)) return row;
    const errors = check(kind, next, call.subresource === binding ? next : old);
    if (errors.length > 0) throw invalid(kind, call.name, errors);
    if (attempt === 1 && call.subresource === '') for (const warning of finalizerWarnings(kind, next, old)) call.warn(warning);
    const managed = managers === before ? managersTextOf(row) : managersText(managers);
    const write = writeOf(call, row, next, managed);
    const unstored = (): StoredRow => unstoredRow(kind, keyOf(call), next, managed, row.revision);
    if (options.dryRun) return unstored();
    const [result] = await core.store.write([write]);
    if (result?.ok) return write.next ? result.row : unstored();
    if (attempt === attempts) throw conflict(kind, call.name);
  }
}

/** The wanted object speaks of this one: same name, and the stored version where it names one. */
function requireSame(call: Call, wanted: KubeObject, row: StoredRow): void {
  const { name, resourceVersion } = wanted.metadata;
  requireName(call, name);
  if (!resourceVersion) return;
  if (!/^\d{1,19}$/.test(resourceVersion)) throw malformed(`strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: invalid syntax`);
  if (resourceVersion !== '0' && resourceVersion !== String(row.revision)) throw conflict(call.kind, call.name);
}

/** Whoever names the object's uid means no other. */
function requireUid({ kind, namespace, name }: Call, { dryRun }: WriteCall, wanted: string | undefined, found = ''): void {
  if (!wanted || wanted === found) return;
  const place = [kind.origin === 'custom' ? kind.group : '', kind.plural, namespace, name].filter((part) => part !== '').join('/');
  // A dry run knows its storage by another name.
  const key = `${dryRun ? '' : '/registry'}/${place}`;
  const detail = `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${found}`;
  throw conflict(kind, name, `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${detail}`);
}

function requireName({ name: named }: Call, name: string | undefined): void {
  if (!name) throw badRequest(`the name of the object (${named} based on URL) was undeterminable: name must be provided`);
  if (name !== named) throw badRequest(`the name of the object (${name}) does not match the name on the URL (${named})`);
}

/** What the wanted object becomes: the server's own fields and the other subresource come from the stored one. */
function merged(call: Call, wanted: KubeObject, old: KubeObject): KubeObject {
  const { kind, subresource } = call;
  const strategy = strategyOf(kind);
  if (subresource !== '') {
    const special = strategy.subresources?.[subresource];
    if (special) return special(wanted, old);
    if (subresource !== 'status' || !kind.hasStatus) throw noSuchResource();
    const written = withField(old, 'status', (wanted as KubeObject & { status?: unknown }).status);
    const next = strategy.keepOnStatus?.(written, old) ?? written;
    // The status of a custom resource is all that its subresource writes; a built-in kind takes labels and the like, too.
    if (kind.origin === 'custom') return next;
    const { ownerReferences } = old.metadata;
    const { ownerReferences: _, ...metadata } = metadataOf(placed(call, wanted).metadata, old.metadata);
    return { ...next, metadata: { ...metadata, ...(ownerReferences && { ownerReferences }) } };
  }
  let next: KubeObject = { ...placed(call, wanted), metadata: metadataOf(placed(call, wanted).metadata, old.metadata) };
  if (kind.hasStatus) next = withField(next, 'status', (old as KubeObject & { status?: unknown }).status);
  next = strategy.keepOnUpdate?.(next, old) ?? next;
  if (!countsGeneration(kind) || sameWish(next, old)) return next;
  return { ...next, metadata: { ...next.metadata, generation: (old.metadata.generation ?? 0) + 1 } };
}

function metadataOf(sent: ObjectMeta, old: ObjectMeta): ObjectMeta {
  const {
    managedFields: _fields,
    generation: _generation,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    creationTimestamp,
    uid,
    ...rest
  } = sent;
  const system = {
    uid: uid || old.uid,
    creationTimestamp: creationTimestamp || old.creationTimestamp,
    deletionTimestamp: deletionTimestamp ?? old.deletionTimestamp,
    deletionGracePeriodSeconds: deletionGracePeriodSeconds ?? old.deletionGracePeriodSeconds,
    generation: old.generation,
  };
  const present = Object.fromEntries(Object.entries(system).filter(([, value]) => value !== undefined));
  return { ...rest, ...present, name: old.name, resourceVersion: old.resourceVersion as string };
}

function withField(object: KubeObject, field: string, value: unknown): KubeObject {
  const { [field]: _, ...rest } = object as unknown as Record<string, unknown>;
  return (value === undefined ? rest : { ...rest, [field]: value }) as unknown as KubeObject;
}

/** Nothing changed but metadata and status. */
function sameWish(next: KubeObject, old: KubeObject): boolean {
  const wish = (object: KubeObject): object => {
    const { metadata: _metadata, status: _status, ...rest } = object as KubeObject & { status?: unknown };
    return rest;
  };
  return isDeepStrictEqual(wish(next), wish(old));
}

/** A write of the new state; of an object whose deletion waited only for this change, its removal. */
function writeOf(call: Call, row: StoredRow, next: KubeObject, managed: string): Write {
  const key = keyOf(call);
  if (!isFinished(call, next)) return { key, expect: row.revision, next: encodeRow(call.kind, next, managed) };
  // Watchers see it go as it was before: what let it go was never stored.
  return { key, expect: row.revision, next: undefined, last: encodeRow(call.kind, objectOf(row), managersTextOf(row)) };
}

/** Deleted, and nothing holds it any more. */
function isFinished(call: Call, object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  return deletionTimestamp !== undefined && !deletionGracePeriodSeconds && !finalizers?.length && !strategyOf(call.kind).held?.(object);
}
