/**
 * Runs on any Kubernetes API: the one entry of this part for composition roots.
 *
 * @example
 * const jobs = startJobs({ client, runs, logs, functions: functions.runs, openInvoker, functionLogs, log });
 * servePlatformApi({ handler: jobs.handler(functions.handler), … });
 * const leading = jobs.lead({ client, signal });
 */
import { type Handler, serveEndpoints } from '../api/endpoints.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Fence } from '../records/fence.ts';
import type { LogStore } from '../records/logs.ts';
import type { Run, RunStore } from '../records/runs.ts';
import type { Invoker } from '../invoke/invoker.ts';
import { withJobsApi } from './api/handler.ts';
import { Bell } from './bell.ts';
import { leadDeclared, planFromApi, undeclare } from './declared/declared.ts';
import { runEngine } from './engine/engine.ts';
import { eventsEndpoint } from './events-endpoint.ts';
import { keepHistoryInOrder } from './history.ts';
import type { Jobs } from './jobs.ts';
import { LeasedDriver } from './leased/driver.ts';
import { type FunctionLogs, leasedLogs } from './leased/logs.ts';
import { runLogPrefix } from './model/log-streams.ts';
import type { JobIdentity } from './pods/job-identity.ts';
import { runnerEndpoints } from './pods/endpoints.ts';
import type { FunctionPods } from './pods/function-pods.ts';
import { PodsDriver } from './pods/pods-driver.ts';
import { logLines } from './pods/run-logs.ts';
import { RecordJobs } from './record-jobs.ts';
import { runDefaults, type RunSettings } from './settings.ts';

export interface JobsOptions {
  readonly client: KubeClient;
  readonly runs: RunStore;
  readonly logs: LogStore;
  readonly functions: FunctionPods;
  /** Who the containers of jobs are that declare permissions. */
  readonly identity: JobIdentity;
  /** Calls on instances that are used again, for whoever leads. */
  readonly openInvoker: () => { readonly invoker: Invoker; close(): void };
  readonly functionLogs: FunctionLogs;
  readonly settings?: Partial<RunSettings>;
  readonly clock?: Clock;
  readonly log: Log;
}

export interface JobsLeadOptions {
  /** Ends it: nothing is begun after that, and what runs is left as it is. */
  readonly signal: AbortSignal;
  /** Refuses to write once the leadership is not sure any more; on one machine the usual one. */
  readonly client: KubeClient;
  /** For what only the leader may do in the records, where several processes share them. */
  readonly fence?: Fence;
}

export interface RunningJobs {
  readonly jobs: Jobs;
  /** This part's paths of the platform API; the rest is `other`'s. */
  handler(other: Handler): Handler;
  /** Does what one of all controllers must do; resolves when it has ended. */
  lead(options: JobsLeadOptions): Promise<void>;
  stop(): void;
}

export function startJobs(options: JobsOptions): RunningJobs {
  const { client, runs, logs, functions, identity, clock = systemClock, log } = options;
  const settings = { ...runDefaults, ...options.settings };
  const stopping = new AbortController();
  const bell = new Bell();
  const lines = settings.logLines;
  const jobs = new RecordJobs({
    runs,
    bell,
    plan: (request) => planFromApi(client, request),
    undeclare: (run) => undeclare(client, run),
    logs: (run, query) =>
      run.place === 'instances'
        ? leasedLogs(options.functionLogs, run, query, jobs.ended(run, query.signal))
        : logLines({ client, logs, lines }, run, query, () => jobs.get(run)),
    clock,
  });
  const endpoints = [...runnerEndpoints({ client, runs, logs, lines, jobs, functions }), eventsEndpoint({ runs, bell })];
  return {
    jobs,
    handler: (other) =>
      withJobsApi({ client, jobs, log, stopped: stopping.signal }, serveEndpoints(endpoints, log, stopping.signal, other)),
    async lead({ client: leader, fence, signal }) {
      const until = AbortSignal.any([signal, stopping.signal]);
      const pods = await PodsDriver.start({
        client: leader,
        runs,
        logs,
        functions,
        identity,
        settings,
        clock,
        log,
        signal: until,
      });
      const local = options.openInvoker();
      const forget = async (run: Run): Promise<void> => {
        if (await undeclare(leader, run)) return;
        await runs.want(run.uid, 'delete');
        bell.ring('asked');
      };
      const declared = leadDeclared({ client: leader, runs, bell, forget, accounts: identity.accounts, signal: until, clock, log });
      const history = keepHistoryInOrder({ runs, days: settings.historyDays, forget, ...(fence && { fence }), clock, log }, until);
      try {
        await runEngine({
          runs,
          drivers: [pods, new LeasedDriver({ runs, invoker: local.invoker, clock })],
          bell,
          ...(fence && { fence }),
          ended: (run) => pods.ended(run),
          forget: (uids) =>
            logs.drop(
              uids.map((uid) => runLogPrefix(uid)),
              fence,
            ),
          signal: until,
          clock,
          log,
        });
      } finally {
        local.close();
      }
      await Promise.all([declared, history]);
      await pods.stopped;
    },
    stop: () => stopping.abort(),
  };
}
