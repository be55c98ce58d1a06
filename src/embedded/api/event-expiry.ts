/** Events live for an hour, as with the real server: they tell what happened lately, and nobody deletes them. */
import type { KubeObject } from '../../resources/object.ts';
import type { StoredRow, Write } from '../storage/store.ts';
import type { Core } from './core.ts';
import { objectOf, withVersion } from './rows.ts';

export const eventLifeMs = 3_600_000;
/** Events of one commit. */
const batch = 500;

interface EventLike extends KubeObject {
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly series?: { readonly lastObservedTime?: string };
}

/** Removes the events whose last news is older than their life; resolves with how many. */
export async function expireEvents(core: Core): Promise<number> {
  const { rows } = await core.store.list({ resource: 'events' });
  const old = rows.filter((row) => lastNews(row) < core.clock.now() - eventLifeMs);
  let removed = 0;
  for (let from = 0; from < old.length; from += batch) {
    const results = await core.store.write(old.slice(from, from + batch).map(removalOf));
    removed += results.filter((result) => result.ok).length;
  }
  return removed;
}

function lastNews(row: StoredRow): number {
  const { metadata, lastTimestamp, eventTime, series } = objectOf<EventLike>(row);
  const times = [metadata.creationTimestamp, lastTimestamp, eventTime, series?.lastObservedTime].map((time) => Date.parse(time ?? ''));
  return Math.max(0, ...times.filter((time) => !Number.isNaN(time)));
}

/** One that has news meanwhile is at another revision, and stays. */
const removalOf = (row: StoredRow): Write => ({
  key: { resource: row.resource, namespace: row.namespace, name: row.name },
  expect: row.revision,
  next: undefined,
  last: (revision) => ({ text: withVersion(row.text, revision) }),
});
