/** The durable log of what became of runs, over HTTP: CloudEvents in the order in which they were written, followed if wanted. */
import type { Endpoint } from '../api/endpoints.ts';
import { isYes, listed, moment, wholeNumber } from '../api/query.ts';
import type { RunStore } from '../records/runs.ts';
import type { Bell } from './bell.ts';

export interface EventsEndpointOptions {
  readonly runs: RunStore;
  readonly bell: Bell;
}

const page = 1000;
/** How often a follower looks without having been told: another replica may write them. */
const lookMs = 250;
/** Some proxies end a stream that says nothing: an empty line is no event. */
const quietMs = 20_000;

interface Wanted {
  readonly namespace: string | undefined;
  readonly since: number | undefined;
  /** Whole ones, or their last word (`succeeded`); none: all. */
  readonly types: readonly string[];
  readonly after: number;
  readonly follow: boolean;
}

export function eventsEndpoint(options: EventsEndpointOptions): Endpoint {
  return {
    method: 'GET',
    path: /^\/v1\/events$/,
    handle: (_, { query, signal }) => {
      const wanted = {
        namespace: query.get('namespace') ?? undefined,
        since: moment(query, 'since'),
        types: listed(query, 'type'),
        after: wholeNumber(query, 'after') ?? 0,
        follow: isYes(query, 'follow'),
      };
      return { lines: eventLines(options, wanted, signal) };
    },
  };
}

const isOfType = (event: unknown, types: readonly string[]): boolean => {
  const { type } = event as { readonly type: string };
  return types.length === 0 || types.some((wanted) => type === wanted || type.endsWith(`.${wanted}`));
};

async function* eventLines({ runs, bell }: EventsEndpointOptions, wanted: Wanted, signal: AbortSignal): AsyncGenerator<string> {
  const { namespace, since, types, follow } = wanted;
  let { after } = wanted;
  let spoke = performance.now();
  while (!signal.aborted) {
    const found = await runs.events({
      after,
      limit: page,
      ...(since !== undefined && { since }),
      ...(namespace !== undefined && { namespace }),
    });
    for (const { sequence, namespace: of, event } of found) {
      if (!isOfType(event, types)) continue;
      yield `${JSON.stringify({ sequence, namespace: of, event })}\n`;
      spoke = performance.now();
    }
    after = found.at(-1)?.sequence ?? after;
    if (found.length === page) continue;
    if (!follow) return;
    if (performance.now() - spoke > quietMs) {
      yield '\n';
      spoke = performance.now();
    }
    await bell.wait(lookMs, signal);
  }
}
