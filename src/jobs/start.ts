/**
 * Runs on any Kubernetes API: the one entry of this part for composition roots.
 *
 * @example
 * const jobs = startJobs({ client, runs, logs, functions: functions.runs, log });
 * servePlatformApi({ handler: jobs.handler(functions.handler), … });
 * const leading = jobs.lead({ client, signal });
 */
import { type Handler, serveEndpoints } from '../api/endpoints.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { TsumugiError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Fence } from '../records/fence.ts';
import type { LogStore } from '../records/logs.ts';
import type { RunStore } from '../records/runs.ts';
import { withJobsApi } from './api/handler.ts';
import { Bell } from './bell.ts';
import { runEngine } from './engine/engine.ts';
import type { Jobs } from './jobs.ts';
import { runnerEndpoints } from './pods/endpoints.ts';
import type { FunctionPods } from './pods/function-pods.ts';
import { type PodRunSettings, podRunDefaults, PodsDriver } from './pods/pods-driver.ts';
import { logLines } from './pods/run-logs.ts';
import { RecordJobs } from './record-jobs.ts';

export interface JobsOptions {
  readonly client: KubeClient;
  readonly runs: RunStore;
  readonly logs: LogStore;
  readonly functions: FunctionPods;
  readonly settings?: Partial<PodRunSettings>;
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

export function startJobs({ client, runs, logs, functions, settings, clock = systemClock, log }: JobsOptions): RunningJobs {
  const stopping = new AbortController();
  const bell = new Bell();
  const lines = settings?.logLines ?? podRunDefaults.logLines;
  const jobs = new RecordJobs({
    runs,
    bell,
    plan: ({ job }) => Promise.reject(new TsumugiError('NotFound', `JobDefinition "${job}" does not exist`)),
    undeclare: async () => false,
    logs: (run, query) => logLines({ client, logs, lines }, run, query, () => jobs.get(run)),
    clock,
  });
  const endpoints = runnerEndpoints({ client, runs, logs, lines, jobs, functions });
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
        ...(settings && { settings }),
        clock,
        log,
        signal: until,
      });
      await runEngine({
        runs,
        drivers: [pods],
        bell,
        ...(fence && { fence }),
        ended: (run) => pods.ended(run),
        signal: until,
        clock,
        log,
      });
      await pods.stopped;
    },
    stop: () => stopping.abort(),
  };
}
