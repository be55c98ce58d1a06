/** Tells users what a controller did or could not do: core/v1 Events, as `kubectl describe` shows them. */
import { randomBytes } from 'node:crypto';
import { type Clock, systemClock } from '../base/clock.ts';
import { toError } from '../base/errors.ts';
import { type Log, silentLog } from '../base/log.ts';
import type { KubeEvent } from '../resources/builtin/event.ts';
import { ApiError, isNotFound, type KubeObject, type ObjectMeta } from '../resources/object.ts';
import { events } from '../resources/resources.ts';
import type { KubeClient } from './client.ts';

/** So many different events are remembered to be counted up rather than written anew. */
const remembered = 1000;
/** When so many wait to be written, new ones are dropped: a hint that comes late helps nobody. */
const mostWaiting = 200;
/** Events are written so much later, one after the other: what they tell of goes first. */
const afterwardsMs = 50;
const longestMessage = 1024;

/** One event that happens again and again. */
interface Series {
  readonly namespace: string;
  readonly name: string;
  readonly event: Omit<KubeEvent, 'metadata' | 'count' | 'lastTimestamp'>;
  count: number;
  written: number;
}

/**
 * @example
 * const events = new EventRecorder(client, 'tsumugi-functions');
 * events.record(fn, 'Warning', 'BuildFailed', 'handler.ts:3: unexpected token');
 * await events.flush();
 */
export class EventRecorder {
  readonly #client: KubeClient;
  readonly #source: { readonly component: string; readonly host?: string };
  readonly #log: Log;
  readonly #clock: Clock;
  /** The latest last. */
  readonly #series = new Map<string, Series>();
  readonly #waiting = new Set<Series>();
  #writing: Promise<void> | undefined;

  /** `component`: who tells, as `tsumugi-node`; `host`: on which node, where that matters. */
  constructor(
    client: KubeClient,
    component: string,
    { host, log = silentLog, clock = systemClock }: { readonly host?: string; readonly log?: Log; readonly clock?: Clock } = {},
  ) {
    this.#client = client;
    this.#source = { component, ...(host !== undefined && { host }) };
    this.#log = log;
    this.#clock = clock;
  }

  /**
   * Writes in the background, a moment later, and never fails: an event is no reason to stop. The same reason and message for the
   * same object count up one Event; what comes before it is written is counted in the same write.
   *
   * @param reason why, in CamelCase, of a small set
   * @param message for humans, one sentence; cut at 1,024 characters
   */
  record(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const key = [object.metadata.uid ?? `${object.kind}/${object.metadata.namespace}/${object.metadata.name}`, type, reason, message].join(
      '\0',
    );
    const known = this.#series.get(key);
    if (!known && this.#waiting.size >= mostWaiting) return;
    const series = known ?? this.#begin(object, type, reason, message);
    this.#series.delete(key);
    this.#series.set(key, series);
    if (this.#series.size > remembered) {
      const [oldest] = this.#series.keys();
      this.#series.delete(oldest as string);
    }
    series.count += 1;
    this.#waiting.add(series);
    this.#writing ??= this.#writeAll();
  }

  /** When all that was recorded so far is written, or has failed. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  #begin(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): Series {
    const { namespace, name, uid, resourceVersion } = object.metadata;
    return {
      namespace: namespace ?? 'default',
      name: `${name.slice(0, 230)}.${randomBytes(8).toString('hex')}`,
      event: {
        apiVersion: 'v1',
        kind: 'Event',
        involvedObject: {
          apiVersion: object.apiVersion,
          kind: object.kind,
          ...(namespace && { namespace }),
          name,
          ...(uid && { uid }),
          ...(resourceVersion && { resourceVersion }),
        },
        type,
        reason,
        message: message.length > longestMessage ? `${message.slice(0, longestMessage - 1)}…` : message,
        source: this.#source,
        reportingComponent: this.#source.component,
        reportingInstance: this.#source.host ?? '',
        firstTimestamp: this.#now(),
      },
      count: 0,
      written: 0,
    };
  }

  async #writeAll(): Promise<void> {
    await this.#clock.sleep(afterwardsMs);
    for (const series of this.#waiting) {
      this.#waiting.delete(series);
      await this.#write(series);
    }
    this.#writing = undefined;
  }

  async #write(series: Series): Promise<void> {
    try {
      const { count } = series;
      await (series.written === 0 ? this.#create(series, count) : this.#count(series, count));
      series.written = count;
    } catch (thrown) {
      series.written = series.count;
      const { reason, involvedObject } = series.event;
      // A namespace that ends takes no more events.
      const level = isNotFound(thrown) || (thrown instanceof ApiError && thrown.reason === 'Forbidden') ? 'debug' : 'warn';
      this.#log[level]({ error: toError(thrown).message, reason, object: involvedObject.name }, 'an event could not be written');
    }
  }

  async #create({ namespace, name, event }: Series, count: number): Promise<void> {
    const metadata: ObjectMeta = { namespace, name };
    await this.#client.create<KubeEvent>(events, { ...event, metadata, lastTimestamp: this.#now(), count });
  }

  async #count(series: Series, count: number): Promise<void> {
    const { namespace, name } = series;
    try {
      await this.#client.patch(events, { namespace, name }, { type: 'merge', body: { count, lastTimestamp: this.#now() } });
    } catch (error) {
      // Events do not live long.
      if (!isNotFound(error)) throw error;
      await this.#create(series, count);
    }
  }

  /** Events have times of whole seconds. */
  #now(): string {
    return `${new Date(this.#clock.now()).toISOString().slice(0, 19)}Z`;
  }
}
