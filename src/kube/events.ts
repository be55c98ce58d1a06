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
/** Events are written so much later, and no more at a time: what they tell of goes first. */
const afterwardsMs = 50;
const atOnce = 8;
const longestMessage = 1024;
/** Where a recorder is `sparing`: so many events of one reason about one object, then one more in each such time. */
const burst = 25;
const refillMs = 300_000;

/** One event that happens again and again. */
interface Series {
  readonly namespace: string;
  readonly name: string;
  readonly event: Omit<KubeEvent, 'metadata' | 'count' | 'lastTimestamp'>;
  count: number;
  written: number;
}

interface RecorderOptions {
  readonly host?: string;
  readonly sparing?: boolean;
  readonly log?: Log;
  readonly clock?: Clock;
}

/** Puts it last; the oldest of too many goes. */
function keepLatest<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= remembered) return;
  const [oldest] = map.keys();
  map.delete(oldest as string);
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
  readonly #sparing: boolean;
  /** By object and reason: how many more may come, as of when. */
  readonly #allowed = new Map<string, { readonly left: number; readonly at: number }>();
  #writing: Promise<void> | undefined;

  /**
   * @param component who tells, as `tsumugi-node`
   * @param host on which node, where that matters
   * @param sparing of what happens a thousand times to one object most is not told, as Kubernetes' own recorders do
   */
  constructor(
    client: KubeClient,
    component: string,
    { host, sparing = false, log = silentLog, clock = systemClock }: RecorderOptions = {},
  ) {
    this.#client = client;
    this.#source = { component, ...(host !== undefined && { host }) };
    this.#sparing = sparing;
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
    const of = object.metadata.uid ?? `${object.kind}/${object.metadata.namespace}/${object.metadata.name}`;
    if (this.#sparing && !this.#mayTell(`${of}\0${reason}`)) return;
    const key = [of, type, reason, message].join('\0');
    const known = this.#series.get(key);
    if (!known && this.#waiting.size >= mostWaiting) return;
    const series = known ?? this.#begin(object, type, reason, message);
    keepLatest(this.#series, key, series);
    series.count += 1;
    this.#waiting.add(series);
    this.#writing ??= this.#writeAll();
  }

  /** When all that was recorded so far is written, or has failed. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  #mayTell(key: string): boolean {
    const now = this.#clock.now();
    const { left, at } = this.#allowed.get(key) ?? { left: burst, at: now };
    const present = Math.min(burst, left + (now - at) / refillMs);
    keepLatest(this.#allowed, key, { left: present < 1 ? present : present - 1, at: now });
    return present >= 1;
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
    while (this.#waiting.size > 0) {
      const next = [...this.#waiting].slice(0, atOnce);
      for (const series of next) this.#waiting.delete(series);
      await Promise.all(next.map((series) => this.#write(series)));
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
