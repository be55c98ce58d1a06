/** The durable log of events, read from any point on; who follows it goes on after a restart of the platform, and misses nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { TsumugiError } from '../base/errors.ts';
import type { Platform } from './platform.ts';

/** A CloudEvent. */
export interface PlatformEvent {
  readonly specversion: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface LoggedEvent {
  /** Of its place in the log: `after` it comes the rest. */
  readonly sequence: number;
  readonly namespace: string;
  readonly event: PlatformEvent;
}

export interface EventQuery {
  /** Absent: of all namespaces. */
  readonly namespace?: string;
  /** The sequence of the last one that is known. */
  readonly after?: number;
  readonly since?: Date;
  /** Whole types, or their last words: `succeeded`. */
  readonly types?: readonly string[];
  /** Go on as they come, until `signal` is aborted. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

const retryMs = 500;

export async function* readEvents(platform: Pick<Platform, 'platformLines'>, query: EventQuery = {}): AsyncGenerator<LoggedEvent> {
  const { namespace, since, types = [], follow = false, signal } = query;
  let { after = 0 } = query;
  for (;;) {
    const asked = new URLSearchParams({ after: String(after) });
    if (namespace !== undefined) asked.set('namespace', namespace);
    if (since) asked.set('since', since.toISOString());
    for (const type of types) asked.append('type', type);
    if (follow) asked.set('follow', 'true');
    try {
      for await (const line of platform.platformLines(`/v1/events?${asked.toString()}`, { ...(signal && { signal }) })) {
        const logged = JSON.parse(line) as LoggedEvent;
        yield logged;
        after = logged.sequence;
      }
      if (!follow) return;
    } catch (error) {
      if (signal?.aborted) return;
      if (!follow || !isBrokenOff(error)) throw error;
    }
    await sleep(retryMs, undefined, { ...(signal && { signal }) }).catch(() => undefined);
    if (signal?.aborted) return;
  }
}

/** The platform is being started again, or somebody in between has cut the stream. */
function isBrokenOff(error: unknown): boolean {
  if (error instanceof TsumugiError) return error.code === 'Unavailable';
  return ['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '');
}
