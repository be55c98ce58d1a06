/** A process that nobody supervises but Kubernetes: signals, one plain port with metrics and probes, an exit code. */
import module from 'node:module';
import { toError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { serveMetrics } from '../metrics.ts';
import { processMetrics } from '../process-metrics.ts';
import { giveMemoryBack } from '../quiet-memory.ts';
import type { RunningRole } from '../role.ts';
import { onSignals } from '../signals.ts';
import { Health } from './health.ts';

export interface StandaloneRole extends RunningRole {
  /** Resolves with the reason when the process must be started anew. */
  readonly over?: Promise<Error>;
}

export interface Standalone {
  /** Label of its metrics. */
  readonly name: string;
  readonly host: string;
  readonly metricsPort: number;
  readonly log: Log;
  /** Rejects when it cannot be; may take as long as it needs, `health` says what it waits for. */
  readonly start: (health: Health, signal: AbortSignal) => Promise<StandaloneRole>;
}

/** How long what is in flight may take: as `install/workloads.ts` promises the kubelet. */
const drainMs = 30_000;

/** Runs it until SIGTERM (0), or until it is over (1); a second signal ends it at once. Throws what keeps it from starting. */
export async function runStandalone({ name, host, metricsPort, log, start }: Standalone): Promise<number> {
  process.on('uncaughtException', (error) => {
    log.error({ err: error }, 'a defect ends this process');
    process.exit(1);
  });
  const signals = onSignals();
  void signals.second.then(() => process.exit(1));
  const health = new Health();
  health.lacks(name, 'is starting');
  const ownMetrics = processMetrics();
  let role: StandaloneRole | undefined;
  const server = await serveMetrics(metricsPort, async () => new Map([[name, ownMetrics() + (role?.metrics?.() ?? '')]]), {
    host,
    missing: health.missing,
  });
  log.info({ metrics: server.url }, 'starting');
  let stopGiving = (): void => undefined;
  try {
    role = await start(health, signals.signal);
    module.flushCompileCache();
    stopGiving = giveMemoryBack();
    health.has(name);
    for (const warning of role.warnings ?? []) log.warn({}, warning);
    log.info({}, 'started');
    const failure = await Promise.race([signals.first.then(() => undefined), role.over ?? new Promise<never>(() => {})]);
    health.lacks(name, 'is stopping');
    log.info({ ...(failure && { error: failure.message }) }, 'stopping: what is in flight is finished first');
    await role.stop(drainMs);
    return failure ? 1 : 0;
  } catch (error) {
    if (signals.received) return 0;
    log.error({ error: toError(error).message }, 'cannot go on');
    throw error;
  } finally {
    stopGiving();
    await server.close();
    signals.close();
  }
}
