/** Tells users what a controller did or could not do: core/v1 Events, as `kubectl describe` shows them. */
import { randomBytes } from 'node:crypto';
import { type Clock, systemClock } from '../base/clock.ts';
import { toError } from '../base/errors.ts';
import { type Log, silentLog } from '../base/log.ts';
import type { KubeEvent } from '../resources/builtin/event.ts';
import { isNotFound, type KubeObject, type ObjectMeta } from '../resources/object.ts';
import { events } from '../resources/resources.ts';
import type { KubeClient } from './client.ts';

/** So many different events are remembered to be counted up rather than written anew. */
const remembered = 1000;
const longestMessage = 1024;

/** One event that happens again and again. */
interface Series {
  readonly namespace: string;
  readonly name: string;
  readonly event: Omit<KubeEvent, 'metadata' | 'count' | 'lastTimestamp'>;
  count: number;
  written: number;
  writing: Promise<void> | undefined;
}

/**
 * @example
 * const events = new EventRecorder(client, 'tsumugi-functions');
 * events.record(fn, 'Warning', 'BuildFailed', 'handler.ts:3: unexpected token');
 * await events.flush();
 */
export class EventRecorder {
  readonly #client: KubeClient;
  readonly #component: string;
  readonly #log: Log;
  readonly #clock: Clock;
  /** The latest last. */
  readonly #series = new Map<string, Series>();

  constructor(
    client: KubeClient,
    component: string,
    { log = silentLog, clock = systemClock }: { readonly log?: Log; readonly clock?: Clock } = {},
  ) {
    this.#client = client;
    this.#component = component;
    this.#log = log;
    this.#clock = clock;
  }

  /**
   * Writes in the background, and never fails: an event is no reason to stop. The same reason and message for the same object
   * count up one Event; what comes while one is being written is counted in the next write.
   *
   * @param reason why, in CamelCase, of a small set
   * @param message for humans, one sentence; cut at 1,024 characters
   */
  record(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const key = [object.metadata.uid ?? `${object.kind}/${object.metadata.namespace}/${object.metadata.name}`, type, reason, message].join(
      '\0',
    );
    const series = this.#series.get(key) ?? this.#begin(object, type, reason, message);
    this.#series.delete(key);
    this.#series.set(key, series);
    if (this.#series.size > remembered) {
      const [oldest] = this.#series.keys();
      this.#series.delete(oldest as string);
    }
    series.count += 1;
    series.writing ??= this.#write(series).finally(() => (series.writing = undefined));
  }

  /** When all that was recorded so far is written, or has failed. */
  async flush(): Promise<void> {
    for (const series of this.#series.values()) await series.writing;
  }

  #begin(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): Series {
    const { namespace, name, uid, resourceVersion } = object.metadata;
    const component = this.#component;
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
        source: { component },
        reportingComponent: component,
        reportingInstance: '',
        firstTimestamp: this.#now(),
      },
      count: 0,
      written: 0,
      writing: undefined,
    };
  }

  async #write(series: Series): Promise<void> {
    try {
      while (series.written < series.count) {
        const { count } = series;
        await (series.written === 0 ? this.#create(series, count) : this.#count(series, count));
        series.written = count;
      }
    } catch (thrown) {
      this.#log.warn(
        { error: toError(thrown).message, reason: series.event.reason, object: series.event.involvedObject.name },
        'an event could not be written',
      );
      series.written = series.count;
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
