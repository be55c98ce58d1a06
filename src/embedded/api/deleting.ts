/** delete and deletecollection: at once, or marked until finalizers and grace period let go. */
import type { DeleteOptions } from '../../kube/client.ts';
import { isNotFound } from '../../resources/object.ts';
import type { KubeObject, Status } from '../../resources/object.ts';
import type { StoredRow, Write } from '../storage/store.ts';
import { keyOf, timestamp } from './core.ts';
import type { Call, Core } from './core.ts';
import { list } from './reading.ts';
import type { ListCall, Page } from './reading.ts';
import { encodeRow, managersTextOf, objectOf, unstoredRow } from './rows.ts';
import { conflict, deleted, forbidden, notFound, preconditionFailed } from './status.ts';
import { strategyOf } from './strategy.ts';

const attempts = 10;

/** What a delete answers: the object where it is still there (or its kind says so), else a Status. */
export type DeleteAnswer = { readonly row: StoredRow } | { readonly status: Status };

export async function remove(core: Core, call: Call, options: DeleteOptions): Promise<DeleteAnswer> {
  const { kind, name } = call;
  const strategy = strategyOf(kind);
  const refusal = strategy.undeletable?.(name);
  if (refusal) throw forbidden(kind, name, refusal);
  warnOfOrphans(call, options);
  for (let attempt = 1; ; attempt++) {
    const [row] = await core.store.get([keyOf(call)]);
    if (!row) throw notFound(kind, name);
    requirePreconditions(call, row, options);
    const old = objectOf(row);
    const marked = mark(core, call, old, options);
    const gone = isGone(call, marked);
    const answer = (now: StoredRow): DeleteAnswer =>
      gone && !strategy.answersObject ? { status: deleted(kind, name, row.uid) } : { row: now };
    if (!gone && marked === old) return { row };
    if (options.dryRun) return answer(unstoredRow(kind, keyOf(call), marked, managersTextOf(row), row.revision));
    const [result] = await core.store.write([
      gone ? removal(call, row, marked) : { key: keyOf(call), expect: row.revision, next: encodeRow(kind, marked, managersTextOf(row)) },
    ]);
    if (result?.ok) return answer(result.row);
    if (attempt === attempts) throw conflict(kind, name);
  }
}

function warnOfOrphans(call: Call, { propagationPolicy }: DeleteOptions): void {
  if (propagationPolicy || strategyOf(call.kind).defaultPropagation !== 'Orphan') return;
  call.warn(
    'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  );
}

/** Deletes all that the options select, in one commit where possible; answers what it found. */
export async function removeCollection(core: Core, call: Call, select: ListCall, options: DeleteOptions): Promise<Page> {
  warnOfOrphans(call, options);
  const page = await list(core, call, select);
  await Promise.all(
    page.rows.map(async (row) => {
      const one: Call = { ...call, namespace: row.namespace, name: row.name };
      try {
        await remove(core, one, { ...options, preconditions: { uid: row.uid, ...options.preconditions } });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }),
  );
  return page;
}

function requirePreconditions(call: Call, row: StoredRow, { preconditions }: DeleteOptions): void {
  const { uid, resourceVersion } = preconditions ?? {};
  if (uid !== undefined && uid !== row.uid) {
    throw preconditionFailed(
      call.kind,
      call.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${row.uid}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== String(row.revision)) {
    throw preconditionFailed(
      call.kind,
      call.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${row.revision}). The object might have been modified`,
    );
  }
}

/** The object as this delete leaves it when something still holds it; the same object when nothing changes. */
function mark(core: Core, call: Call, old: KubeObject, options: DeleteOptions): KubeObject {
  const strategy = strategyOf(call.kind);
  const finalizers = withPropagation(old.metadata.finalizers ?? [], options.propagationPolicy ?? strategy.defaultPropagation);
  const { deletionTimestamp, deletionGracePeriodSeconds: before, generation } = old.metadata;
  const asked = strategy.grace?.(old, options.gracePeriodSeconds) ?? 0;
  // Once told, the time left may only become shorter.
  const grace = deletionTimestamp === undefined ? asked : Math.min(asked, before ?? 0);
  const sameFinalizers = finalizers.join('\0') === (old.metadata.finalizers ?? []).join('\0');
  if (deletionTimestamp !== undefined && grace === (before ?? 0) && sameFinalizers) return old;
  const end =
    deletionTimestamp === undefined ? core.clock.now() + grace * 1000 : Date.parse(deletionTimestamp) + (grace - (before ?? 0)) * 1000;
  const { finalizers: _, ...rest } = old.metadata;
  const metadata = {
    ...rest,
    deletionTimestamp: timestamp(end),
    deletionGracePeriodSeconds: grace,
    ...(finalizers.length > 0 && { finalizers }),
    ...(generation !== undefined && deletionTimestamp === undefined && { generation: generation + 1 }),
  };
  const marked = { ...old, metadata };
  return strategy.markDeleted?.(marked) ?? marked;
}

/** The garbage collector acts on these two and takes them off. */
function withPropagation(finalizers: readonly string[], policy: DeleteOptions['propagationPolicy']): readonly string[] {
  if (policy === undefined) return finalizers;
  const others = finalizers.filter((each) => each !== 'orphan' && each !== 'foregroundDeletion');
  if (policy === 'Orphan') return [...others, 'orphan'];
  return policy === 'Foreground' ? [...others, 'foregroundDeletion'] : others;
}

function isGone(call: Call, marked: KubeObject): boolean {
  const { finalizers, deletionGracePeriodSeconds } = marked.metadata;
  return !finalizers?.length && !deletionGracePeriodSeconds && !strategyOf(call.kind).held?.(marked);
}

function removal(call: Call, row: StoredRow, marked: KubeObject): Write {
  const shown = strategyOf(call.kind).grace ? marked : objectOf(row);
  return { key: keyOf(call), expect: row.revision, next: undefined, last: encodeRow(call.kind, shown, managersTextOf(row)) };
}
