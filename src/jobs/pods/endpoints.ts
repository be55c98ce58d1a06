/** Runners and the logs of runs over HTTP, for `tsumugi/client` and the command line. */
import type { Call, Endpoint } from '../../api/endpoints.ts';
import { listed, moment, wholeNumber } from '../../api/query.ts';
import { TsumugiError } from '../../base/errors.ts';
import type { Run, RunStatus, RunStore } from '../../records/runs.ts';
import type { Jobs } from '../jobs.ts';
import { type RunnerRequestsOptions, startGuest, startRunner } from './requests.ts';
import type { GuestSpec } from './specs.ts';
import { bySource, readRunLog, type RunLogSources } from './run-logs.ts';

export interface RunnerEndpointsOptions extends RunnerRequestsOptions, RunLogSources {
  readonly jobs: Jobs;
  readonly runs: RunStore;
}

const maxBody = 2 * 1024 * 1024;
const maxWaitMs = 60_000;
const maxPage = 1000;
const statuses: readonly RunStatus[] = ['queued', 'running', 'succeeded', 'failed', 'cancelled', 'forceDeleted'];

const base = '^/v1/namespaces/([^/]+)/runners';
const all = new RegExp(`${base}$`);
const one = new RegExp(`${base}/([^/]+)$`);
const of = (what: string): RegExp => new RegExp(`${base}/([^/]+)/${what}$`);

export function runnerEndpoints(options: RunnerEndpointsOptions): readonly Endpoint[] {
  const { jobs, runs } = options;
  const find = async (namespace: string, name: string): Promise<Run> => {
    const [run] = await runs.find(namespace, [name]);
    if (!run || run.kind === 'execution') throw new TsumugiError('NotFound', `there is no runner "${name}" in namespace ${namespace}`);
    return run;
  };
  return [
    {
      method: 'POST',
      path: all,
      handle: async ([namespace = ''], call) => {
        const run = await startRunner(options, namespace, await jsonOf(call));
        return { status: 201, json: runnerView(run) };
      },
    },
    {
      method: 'POST',
      path: /^\/v1\/namespaces\/([^/]+)\/runners\/guests$/,
      handle: async ([namespace = ''], call) => {
        const run = await startGuest(options, namespace, await jsonOf(call));
        return { status: 201, json: runnerView(run) };
      },
    },
    {
      method: 'GET',
      path: all,
      handle: async ([namespace = ''], { query }) => ({ json: await listRunners(runs, namespace, query) }),
    },
    {
      method: 'GET',
      path: one,
      handle: async ([namespace = '', name = ''], { query, signal }) => {
        const run = await find(namespace, name);
        const ms = Math.min(wholeNumber(query, 'waitMs') ?? 0, maxWaitMs);
        return { json: runnerView(ms > 0 ? await untilEnded(jobs, run, ms, signal) : run) };
      },
    },
    {
      method: 'GET',
      path: of('logs'),
      handle: async ([namespace = '', name = '']) => ({ json: bySource(await readRunLog(options, await find(namespace, name))) }),
    },
    {
      // The `logUri` of an execution; a line of JSON for each of its lines.
      method: 'GET',
      path: /^\/v1\/namespaces\/([^/]+)\/runs\/([^/]+)\/logs$/,
      handle: async ([namespace = '', name = ''], { query, signal }) => {
        const run = await jobs.get({ namespace, name });
        const [task, tail] = [wholeNumber(query, 'task'), wholeNumber(query, 'tail')];
        const wanted = {
          ...(task !== undefined && { task }),
          ...(tail !== undefined && { tail }),
          follow: query.get('follow') === 'true',
          signal,
        };
        return { lines: ndjson(jobs.logs(run, wanted)) };
      },
    },
    {
      method: 'POST',
      path: of('cancel'),
      handle: async ([namespace = '', name = '']) => {
        await find(namespace, name);
        return { json: runnerView(await jobs.cancel({ namespace, name })) };
      },
    },
  ];
}

async function* ndjson(values: AsyncIterable<object>): AsyncGenerator<string> {
  for await (const value of values) yield `${JSON.stringify(value)}\n`;
}

/** What is told of a runner or a guest. Times are RFC 3339. */
export function runnerView(run: Run): object {
  const { name, namespace, kind, job, status, labels, spec, createdAt, admittedAt, startedAt, endedAt, reason, message, result } = run;
  const time = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString());
  return {
    id: name,
    namespace,
    kind,
    ...(job !== '' && { function: job }),
    ...(kind === 'guest' && { cluster: (spec as GuestSpec).cluster }),
    status,
    labels,
    createdAt: time(createdAt),
    admittedAt: time(admittedAt),
    startedAt: time(startedAt),
    endedAt: time(endedAt),
    reason,
    message,
    result,
  };
}

async function listRunners(runs: RunStore, namespace: string, query: URLSearchParams): Promise<object> {
  const wanted = listed(query, 'status');
  const unknown = wanted.find((status) => !statuses.includes(status as RunStatus));
  if (unknown !== undefined)
    throw new TsumugiError('Invalid', `status: there is no "${unknown}"`, { field: 'status', hint: `one of ${statuses.join(', ')}` });
  const limit = Math.min(wholeNumber(query, 'limit') ?? 100, maxPage);
  const before = wholeNumber(query, 'before');
  const from = moment(query, 'since');
  const found: Run[] = [];
  let next: number | undefined = before;
  for (const kind of ['runner', 'guest'] as const) {
    const page = await runs.list({
      namespace,
      kind,
      limit,
      ...(wanted.length > 0 && { status: wanted as RunStatus[] }),
      ...(from !== undefined && { since: from }),
      ...(before !== undefined && { before }),
    });
    found.push(...page);
  }
  const items = found.sort((a, b) => b.sequence - a.sequence).slice(0, limit);
  next = items.length === limit ? items.at(-1)?.sequence : undefined;
  return { items: items.map(runnerView), ...(next !== undefined && { next }) };
}

async function untilEnded(jobs: Jobs, run: Run, ms: number, gone: AbortSignal): Promise<Run> {
  let last = run;
  for await (const now of jobs.watch(run, AbortSignal.any([gone, AbortSignal.timeout(ms)]))) last = now;
  return last;
}

async function jsonOf({ body }: Call): Promise<unknown> {
  const text = (await body(maxBody)).toString();
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new TsumugiError('Invalid', `the body is no JSON: ${(error as Error).message}`);
  }
}
