/**
 * The loop of every controller: keys from informers into a queue, `reconcile` for each, and what its error means.
 *
 * A reconciler is level-triggered: it takes a key, reads what is, does what is missing, and says when to look again.
 * It may be called at any time, twice, or late.
 */
import type { Clock } from '../base/clock.ts';
import { errorTable, toError, TsumugiError } from '../base/errors.ts';
import { type Log, silentLog } from '../base/log.ts';
import { ApiError, isUnavailable, type KubeObject } from '../resources/object.ts';
import type { ChangeHandler, Informer } from './informer.ts';
import { keyOf } from './key.ts';
import { WorkQueue } from './queue.ts';

/** Look again in `again` seconds, whatever happens until then; nothing: when something changes. */
export type ReconcileResult = { readonly again?: number } | void;

export interface ReconcileContext {
  /** Aborted when the controller stops: long waits end. */
  readonly signal: AbortSignal;
  readonly log: Log;
}

export type Reconcile = (key: string, context: ReconcileContext) => Promise<ReconcileResult>;

/** Something that gives keys to reconcile: see `keysOf`. */
export interface KeySource {
  synced(): Promise<void>;
  /** Returns how to stop; what that answers is waited for before the controller is done. */
  subscribe(enqueue: (key: string) => void): () => void | Promise<void>;
}

/** What became of one run. `conflict`, `retry`: it comes again; `dropped`, `terminal`: not until something changes. */
export type Outcome = 'done' | 'again' | 'conflict' | 'retry' | 'dropped' | 'terminal';

/** One run of a reconciler, for metrics. */
export interface ControllerRun {
  readonly controller: string;
  readonly key: string;
  readonly outcome: Outcome;
  readonly milliseconds: number;
}

export interface ControllerOptions {
  readonly name: string;
  /** Started and stopped by whom they belong to; no key is reconciled before all have synced. */
  readonly informers: readonly KeySource[];
  readonly reconcile: Reconcile;
  /** Keys at once. Default 4; one key never twice at a time. */
  readonly parallelism?: number;
  readonly log?: Log;
  /** Ends the controller: what runs is finished, nothing new begins. */
  readonly signal: AbortSignal;
  /** For metrics: called after each run. */
  readonly onRun?: (run: ControllerRun) => void;
  readonly clock?: Clock;
  /** Milliseconds; see WorkQueueOptions. */
  readonly firstDelay?: number;
  readonly maxDelay?: number;
}

export interface Controller {
  readonly name: string;
  /** Reconcile this key soon: for hints from outside the informers. */
  enqueue(key: string): void;
  enqueueAfter(key: string, seconds: number): void;
  /** Keys waiting to be reconciled now. */
  readonly waiting: number;
  /** Resolves when it has stopped and what ran has ended. */
  readonly done: Promise<void>;
}

/**
 * The keys that a change of the informer's objects concerns; default: the object's own. On an update `map` is asked for the
 * old and the new state, so that what an object has left is looked at too.
 *
 * @example informers: [keysOf(functions), keysOf(revisions, (revision) => [`${revision.metadata.namespace}/${revision.spec.function}`])]
 */
export function keysOf<T extends KubeObject>(
  informer: Informer<T>,
  map: (object: T) => readonly string[] = (object) => [keyOf(object)],
): KeySource {
  return {
    synced: () => informer.synced(),
    subscribe(enqueue) {
      const handler: ChangeHandler<T> = ({ object, old }) => {
        for (const key of new Set([...(old ? map(old) : []), ...map(object)])) enqueue(key);
      };
      return informer.on(handler);
    },
  };
}

/** Where the API server is away nothing is wrong with the key: it is tried again so often, ms, so that work goes on when the server is back. */
const maxDelayAway = 2000;

/** The policy: what an error of a reconciler means. `after`: seconds the server asked to wait. */
export function judge(error: unknown): { readonly outcome: 'conflict' | 'retry' | 'dropped' | 'terminal'; readonly after?: number } {
  if (error instanceof ApiError) {
    const after = error.status.details?.retryAfterSeconds;
    if (error.reason === 'Conflict') return { outcome: 'conflict' };
    if (error.reason === 'NotFound') return { outcome: 'dropped' };
    if (error.reason === 'Invalid' || error.reason === 'BadRequest' || error.reason === 'MethodNotAllowed') return { outcome: 'terminal' };
    return { outcome: 'retry', ...(after && { after }) };
  }
  if (error instanceof TsumugiError) {
    if (error.code === 'NotFound') return { outcome: 'dropped' };
    const { retry } = errorTable[error.code];
    if (retry === 'reread') return { outcome: 'conflict' };
    if (retry === 'later') return { outcome: 'retry', ...(error.retryAfterSeconds && { after: error.retryAfterSeconds }) };
    return { outcome: error.code === 'Internal' ? 'retry' : 'terminal' };
  }
  return { outcome: 'retry' };
}

/** Runs a controller until `signal` is aborted. */
export function runController(options: ControllerOptions): Controller {
  const { name, informers, reconcile, signal, onRun, parallelism = 4 } = options;
  const log = (options.log ?? silentLog).child({ controller: name });

  async function run(key: string): Promise<Outcome> {
    try {
      const result = await reconcile(key, { signal, log });
      queue.forget(key);
      if (result?.again === undefined) return 'done';
      queue.addAfter(key, result.again * 1000);
      return 'again';
    } catch (thrown) {
      const { outcome, after } = judge(thrown);
      const error = toError(thrown);
      if (outcome === 'conflict' || outcome === 'retry') {
        const delay = after === undefined ? queue.retry(key, isUnavailable(thrown) ? maxDelayAway : undefined) : after * 1000;
        if (after !== undefined) queue.addAfter(key, delay);
        // The first conflict is everyday life: the cache was a moment behind.
        const level = outcome === 'conflict' ? 'debug' : queue.failures(key) < 3 ? 'info' : 'warn';
        if (!signal.aborted)
          log[level]({ key, error: error.message, retryIn: delay, failures: queue.failures(key) }, 'reconcile failed, will try again');
      } else {
        queue.forget(key);
        if (outcome === 'dropped') log.debug({ key, error: error.message }, 'reconcile: it is gone');
        else log.error({ key, error: error.message }, 'reconcile failed for good');
      }
      return outcome;
    }
  }

  const queue = new WorkQueue({
    parallelism,
    ...(options.clock && { clock: options.clock }),
    ...(options.firstDelay !== undefined && { firstDelay: options.firstDelay }),
    ...(options.maxDelay !== undefined && { maxDelay: options.maxDelay }),
    work: async (key) => {
      const started = performance.now();
      const outcome = await run(key);
      onRun?.({ controller: name, key, outcome, milliseconds: performance.now() - started });
    },
  });

  /** What was asked for before the informers had synced. */
  let early: Set<string> | undefined = new Set();

  async function main(): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    const synced = Promise.all(informers.map((informer) => informer.synced()));
    synced.catch(() => undefined);
    // Stopped before the first list: nothing was begun.
    await Promise.race([synced, stopped]);
    const unsubscribe = signal.aborted ? [] : informers.map((informer) => informer.subscribe((key) => queue.add(key)));
    for (const key of early ?? []) queue.add(key);
    early = undefined;
    await stopped;
    for (const stop of unsubscribe) await stop();
    await queue.close();
  }

  return {
    name,
    enqueue: (key) => (early ? void early.add(key) : queue.add(key)),
    enqueueAfter: (key, seconds) => queue.addAfter(key, seconds * 1000),
    get waiting() {
      return queue.waiting;
    },
    done: main(),
  };
}
