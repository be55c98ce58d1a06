import { learnFrom, nodeFetch } from './foreign.ts';
import { Headers } from './headers.ts';
import { fetchArguments, Request } from './request.ts';
import { Response } from './response.ts';

/** Node's fetch, which also takes our Requests. */
async function fetch(input: unknown, init?: RequestInit): Promise<unknown> {
  const ours = fetchArguments(input);
  if (!ours) return learnFrom(await nodeFetch(input as string, init));
  const merged =
    init === undefined
      ? ours.init
      : { ...ours.init, ...Object.fromEntries(Object.entries(init).filter(([, value]) => value !== undefined)) };
  return learnFrom(await nodeFetch(ours.url, merged));
}

/**
 * Makes our classes the pod's globals. Plain assignment: defineProperty or just reading the old value would load Node's own
 * (26 ms, 16 MB).
 */
export function installWebClasses(): void {
  const target = globalThis as unknown as Record<string, unknown>;
  target['Headers'] = Headers;
  target['Request'] = Request;
  target['Response'] = Response;
  target['fetch'] = fetch;
}
