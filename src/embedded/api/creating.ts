/** create. */
import { newUid, nameSuffix } from '../../base/ids.ts';
import { check, warningsOf } from '../../resources/kinds.ts';
import type { KubeObject } from '../../resources/object.ts';
import type { KindDefinition } from '../../resources/kind.ts';
import type { StoredRow, StoreKey, Write, WriteResult } from '../storage/store.ts';
import { admitted, withinQuota } from './admission.ts';
import { managersText } from './apply/managers.ts';
import type { Managers } from './apply/managers.ts';
import { keyOf, timestamp } from './core.ts';
import type { Call, Core } from './core.ts';
import { readObject } from './decode-object.ts';
import type { FieldValidation } from './decode-object.ts';
import type { Duplicates } from './strict.ts';
import { encodeRow, objectOf, unstoredRow } from './rows.ts';
import { alreadyExists, badRequest, conflict, invalid, malformed, namespaceNotFound, namespaceTerminating } from './status.ts';
import { countsGeneration, strategyOf } from './strategy.ts';
import { managersOfNew, managersSaid, writerOf } from './writers.ts';

export interface WriteCall {
  readonly dryRun?: boolean;
  readonly fieldValidation?: FieldValidation;
  readonly duplicates?: Duplicates;
  /** Who writes, as `managedFields` say it. */
  readonly fieldManager?: string;
}

/** How often a generated name is drawn again. */
const draws = 8;
const longestBase = 58;

export async function create(core: Core, call: Call, sent: unknown, options: WriteCall): Promise<StoredRow> {
  const { kind } = call;
  const read = readObject(kind, sent, {
    fieldValidation: options.fieldValidation ?? 'Warn',
    ...(options.duplicates && { duplicates: options.duplicates }),
    warn: call.warn,
  });
  const inNamespace = placed(call, read);
  const managers = managersOfNew(writerOf(core, call, options.fieldManager), kind, managersSaid(sent), inNamespace);
  return insert(core, call, inNamespace, managers, options);
}

/** Stores a new object of which all is known that its client said. */
export async function insert(
  core: Core,
  call: Call,
  inNamespace: KubeObject,
  managers: Managers,
  options: Pick<WriteCall, 'dryRun'>,
): Promise<StoredRow> {
  const { kind } = call;
  if (inNamespace.metadata.resourceVersion) throw malformed('resourceVersion should not be set on objects to be created');
  const managed = managersText(managers);
  const generate = !inNamespace.metadata.name && inNamespace.metadata.generateName;
  for (let draw = 1; ; draw++) {
    const guard = await requireNamespace(core, call, inNamespace);
    const object = await admitted(core, call, prepared(core, call, inNamespace, options.dryRun));
    const { name } = object.metadata;
    const errors = check(kind, object);
    if (errors.length > 0) throw invalid(kind, name ?? '', errors);
    for (const warning of warningsOf(kind, object)) call.warn(warning);
    const key = keyOf(call, name);
    const [result] = await withinQuota(core, call, object, () =>
      options.dryRun
        ? asIfWritten(core, key, object, managed, kind)
        : core.store.write([{ key, expect: 0, next: encodeRow(kind, object, managed), ...(guard && { guard }) }]),
    );
    if (result?.ok) return result.row;
    const inTheWay = result?.current;
    // Nothing in the way: it was the namespace that changed, and may be ending by now.
    if ((generate || !inTheWay) && draw < draws) continue;
    if (!inTheWay) throw conflict(kind, name);
    throw alreadyExists(kind, name, objectOf(inTheWay).metadata.deletionTimestamp !== undefined);
  }
}

async function asIfWritten(
  core: Core,
  key: StoreKey,
  object: KubeObject,
  managed: string,
  kind: KindDefinition,
): Promise<readonly WriteResult[]> {
  const [current] = await core.store.get([key]);
  return [current ? { ok: false, current } : { ok: true, row: unstoredRow(kind, key, object, managed, 0) }];
}

/** The object in the namespace of the URL; a body that names another is refused. */
export function placed(call: Call, object: KubeObject): KubeObject {
  const { namespace, ...metadata } = object.metadata;
  if (!call.kind.namespaced) return { ...object, metadata };
  if (namespace && namespace !== call.namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  return { ...object, metadata: { ...metadata, namespace: call.namespace } };
}

/** The object's namespace as the write must still find it, so that nothing enters one that ends meanwhile. */
async function requireNamespace(core: Core, call: Call, object: KubeObject): Promise<Write['guard']> {
  if (!call.kind.namespaced) return undefined;
  const key: StoreKey = { resource: 'namespaces', namespace: '', name: call.namespace };
  const [row] = await core.store.get([key]);
  if (!row) throw namespaceNotFound(call.namespace);
  if (objectOf(row).metadata.deletionTimestamp) throw namespaceTerminating(call.kind, object.metadata.name ?? '', call.namespace);
  return { key, revision: row.revision };
}

/** What the server alone says of a new object. */
function prepared(core: Core, call: Call, object: KubeObject, dryRun = false): KubeObject {
  const {
    uid: _uid,
    creationTimestamp: _at,
    deletionTimestamp: _deleted,
    deletionGracePeriodSeconds: _grace,
    generation: _generation,
    managedFields: _fields,
    selfLink: _link,
    ...sent
  } = object.metadata as KubeObject['metadata'] & { selfLink?: string };
  const metadata = {
    ...sent,
    name: sent.name || (sent.generateName ? `${sent.generateName.slice(0, longestBase)}${nameSuffix()}` : ''),
    uid: newUid(),
    creationTimestamp: timestamp(core.clock.now()),
    ...(countsGeneration(call.kind) && { generation: 1 }),
  };
  const { status: _status, ...withoutStatus } = object as KubeObject & { status?: unknown };
  const dropsStatus = call.kind.hasStatus && !strategyOf(call.kind).createsWithStatus;
  const fresh = { ...(dropsStatus ? withoutStatus : object), metadata };
  const made = call.kind.prepareForCreate?.(fresh) ?? fresh;
  // A scheduler's work, where there is nothing to choose: so a pod's life has one write less.
  const { place } = strategyOf(call.kind);
  return place && core.node !== undefined && !dryRun ? place(made, core.node) : made;
}
