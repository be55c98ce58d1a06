/** watch: the present or the past first, then every change as it is committed. */
import type { WatchOptions } from '../../kube/client.ts';
import { forbidden } from '../../resources/field-errors.ts';
import type { FieldError } from '../../resources/kind.ts';
import { ApiError } from '../../resources/object.ts';
import { HistoryGone } from '../storage/store.ts';
import type { StoredRow } from '../storage/store.ts';
import { keyOf } from './core.ts';
import type { Call, Core } from './core.ts';
import { readVersion } from './reading.ts';
import { selectionOf } from './selection.ts';
import type { Selection } from './selection.ts';
import { expired, internal, invalidOptions, malformed } from './status.ts';
import { WatchHub, WatchItem } from './watch-hub.ts';

export interface WatchCall extends WatchOptions {
  readonly resourceVersionMatch?: string;
  readonly sendInitialEvents?: boolean;
  /** Of lists alone; where a watch minds it, it is refused. */
  readonly continue?: string;
}

/** BOOKMARK: all events up to `revision` have been given. `initial`: it ends the initial state of a streamed list. */
export interface Bookmark {
  readonly type: 'BOOKMARK';
  readonly revision: number;
  readonly initial?: boolean;
}

/** Events in their order. */
export type Batch = readonly (WatchItem | Bookmark)[];

/** A slow reader is dropped beyond this many undelivered events, or this much text of them. */
const maxPending = 10_000;
const maxPendingChars = 32 << 20;
const bookmarkEveryMs = 60_000;
const historyPage = 1000;

/**
 * Given to a reader that waits for news, in the turn of their commit and without a promise between. False: it cannot take them now, and
 * reads them as it reads all else.
 */
export type Offer = (batch: Batch) => boolean;

/** How a watch ends: `done` for a time-out or the server's end, else the error. */
type End = 'done' | ApiError;

/**
 * Events in batches, as they come. Ends when the time is up, the signal is aborted or the server closes; throws ApiError 410
 * for a past that is gone and for a reader that is too slow. What is wrong with the options is thrown at once.
 */
export function watch(core: Core, call: Call, options: WatchCall, offer?: Offer): AsyncGenerator<Batch, void, void> {
  checkWatchOptions(options);
  const version = options.resourceVersion ? readVersion(options.resourceVersion, '', malformed) : 0;
  return events(core, call, options, version, selectionOf(call, options).select, offer);
}

function checkWatchOptions({ sendInitialEvents, resourceVersionMatch: match, resourceVersion, continue: token }: WatchCall): void {
  const errors: FieldError[] = [];
  const forbids = (message: string): void => void errors.push(forbidden('resourceVersionMatch', message));
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan')
    forbids('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  if (match && sendInitialEvents === undefined) forbids('resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
  if (match && match !== 'NotOlderThan') {
    const message = `Unsupported value: ${JSON.stringify(match)}: supported values: "NotOlderThan"`;
    errors.push({ field: 'resourceVersionMatch', reason: 'FieldValueNotSupported', message });
  }
  // A watch from the present is one with initial events, whether it says so or not.
  const isFromPresent = !resourceVersion || resourceVersion === '0';
  if (token && (match || isFromPresent)) forbids('resourceVersionMatch is forbidden when continue is provided');
  if (errors.length > 0) throw invalidOptions('ListOptions', errors);
}

async function* events(
  core: Core,
  call: Call,
  options: WatchCall,
  version: number,
  select: Selection['select'],
  offer: Offer | undefined,
): AsyncGenerator<Batch, void, void> {
  const fromPresent = options.sendInitialEvents ?? version === 0;
  const matches = (row: StoredRow): boolean => (!call.namespace || row.namespace === call.namespace) && (!select || select(row.index, row));
  const queue = new Queue(keyOf(call).resource, matches, offer);
  const stops = [core.hub.add(queue), queue.follow(options.signal)];
  if (options.timeoutSeconds) stops.push(timer(() => queue.end(), options.timeoutSeconds * 1000));
  try {
    let floor = version;
    if (fromPresent) {
      const { rows, revision } = await core.store.list({
        resource: queue.resource,
        ...(call.namespace && { namespace: call.namespace }),
        ...(select && { select }),
      });
      floor = revision;
      const items: (WatchItem | Bookmark)[] = rows.map((row) => new WatchItem('ADDED', row.revision, row));
      if (options.sendInitialEvents && options.allowBookmarks) items.push({ type: 'BOOKMARK', revision, initial: true });
      if (items.length > 0) yield items;
    } else if (version === 0) {
      floor = core.store.revision();
    } else if (version > core.store.revision()) {
      // Of another life of this data: waiting for it would be silence for ever.
      throw expired(`resource version ${version} is later than this server's (${core.store.revision()})`);
    } else {
      for (;;) {
        const changes = await core.store.changes(floor, queue.resource, historyPage);
        const items = changes.map((change) => WatchHub.itemOf(change, matches)).filter((item) => item !== undefined);
        if (items.length > 0) yield items;
        floor = Math.max(floor, changes.at(-1)?.revision ?? 0);
        if (changes.length < historyPage) break;
      }
    }
    // What was pushed meanwhile and is already told is skipped.
    if (options.allowBookmarks) stops.push(interval(() => queue.bookmark(core.store.revision()), bookmarkEveryMs));
    for (;;) {
      const { items, end } = await queue.take();
      const news = items.filter((item) => item.revision > floor || (item.type === 'BOOKMARK' && item.revision === floor));
      if (end === 'done' && options.allowBookmarks && !options.signal?.aborted)
        news.push({ type: 'BOOKMARK', revision: Math.max(floor, core.store.revision()) });
      if (news.length > 0) yield news;
      if (end === 'done') return;
      if (end) throw end;
    }
  } catch (error) {
    if (error instanceof HistoryGone) throw expired(`too old resource version: ${version} (${error.oldest})`);
    throw error;
  } finally {
    for (const stop of stops) stop();
  }
}

/** Between the commits, which never wait, and one reader, who may. */
class Queue {
  readonly resource: string;
  readonly matches: (row: StoredRow) => boolean;
  #items: (WatchItem | Bookmark)[] = [];
  #chars = 0;
  #end: End | undefined;
  #wake: (() => void) | undefined;
  readonly #offer: Offer | undefined;

  constructor(resource: string, matches: (row: StoredRow) => boolean, offer: Offer | undefined) {
    this.resource = resource;
    this.matches = matches;
    this.#offer = offer;
  }

  push(items: readonly WatchItem[]): void {
    if (this.#end || this.#isTaken(items)) return;
    for (const item of items) {
      this.#items.push(item);
      this.#chars += item.row.text.length;
    }
    if (this.#items.length > maxPending || this.#chars > maxPendingChars) {
      this.#items = [];
      this.end(expired('the watch was too slow and has been closed: list again'));
    }
    this.#wake?.();
  }

  bookmark(revision: number): void {
    const item: Bookmark = { type: 'BOOKMARK', revision };
    if (this.#end || this.#isTaken([item])) return;
    this.#items.push(item);
    this.#wake?.();
  }

  /** Only a reader that waits has all that was before. */
  #isTaken(items: Batch): boolean {
    return this.#wake !== undefined && this.#items.length === 0 && this.#offer?.(items) === true;
  }

  end(how: End = 'done'): void {
    this.#end ??= how;
    this.#wake?.();
  }

  follow(signal: AbortSignal | undefined): () => void {
    const onAbort = (): void => {
      this.#items = [];
      this.end();
    };
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    return () => signal?.removeEventListener('abort', onAbort);
  }

  async take(): Promise<{ items: (WatchItem | Bookmark)[]; end: End | undefined }> {
    if (this.#items.length === 0 && !this.#end) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
    const items = this.#items;
    this.#items = [];
    this.#chars = 0;
    return { items, end: this.#end };
  }
}

function timer(run: () => void, ms: number): () => void {
  const handle = setTimeout(run, Math.min(ms, 2 ** 31 - 1));
  return () => clearTimeout(handle);
}

function interval(run: () => void, ms: number): () => void {
  const handle = setInterval(run, ms);
  return () => clearInterval(handle);
}

/** What an ERROR event carries. */
export const watchError = (error: unknown): ApiError =>
  error instanceof ApiError ? error : internal(error instanceof Error ? error.message : String(error));
