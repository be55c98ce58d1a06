/** What cannot be compared with a real controller: crashes between any two writes, and waiting that nobody waits for. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { silentLog } from '../../../base/log.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { ManualClock } from '../../../kube/testing/manual-clock.ts';
import { isFinished, type Job, type JobSpec } from '../../../resources/builtin/job/types.ts';
import type { Pod } from '../../../resources/builtin/pod-types.ts';
import { jobs, pods } from '../../../resources/resources.ts';
import { type EmbeddedApi, openEmbeddedApi } from '../../api/index.ts';
import { runJobController } from './jobs.ts';
import { isTracked } from './pod-state.ts';

const namespace = 'default';

describe('the job controller', () => {
  let folder: string;
  let api: EmbeddedApi;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'jobs-'));
    api = await openEmbeddedApi({ data: folder, listen: false });
  });
  afterEach(async () => {
    await api.close();
    await rm(folder, { recursive: true });
  });

  /** One that lives until it is stopped. */
  function run(client: KubeClient, clock = new ManualClock()): { clock: ManualClock; stop: () => Promise<void> } {
    const stopping = new AbortController();
    const { done } = runJobController({ client, store: api.store, log: silentLog, clock, signal: stopping.signal });
    return {
      clock,
      async stop() {
        stopping.abort();
        await done;
      },
    };
  }

  const create = (name: string, spec: Partial<JobSpec>): Promise<Job> =>
    api.client.create<Job>(jobs, {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name, namespace },
      spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'host' }] } }, ...spec },
    });
  const read = (name: string): Promise<Job> => api.client.get<Job>(jobs, { namespace, name });
  const allPods = async (): Promise<readonly Pod[]> => (await api.client.list<Pod>(pods, { namespace })).items;

  /** Every pod ends as soon as it is there: each third one fails. */
  function endPods(): () => void {
    let count = 0;
    return api.store.subscribe((changes) => {
      for (const { type, row } of changes) {
        if (type !== 'ADDED' || row.resource !== 'pods') continue;
        const phase = count++ % 3 === 2 ? 'Failed' : 'Succeeded';
        const at = '2026-01-01T00:00:00Z';
        const terminated = { exitCode: phase === 'Failed' ? 1 : 0, startedAt: at, finishedAt: at };
        const status = { name: 'c', image: 'host', imageID: '', ready: false, restartCount: 0, state: { terminated } };
        const body = { status: { phase, containerStatuses: [status] } };
        void api.client
          .patch(pods, { namespace, name: row.name }, { type: 'merge', body }, { subresource: 'status' })
          .catch(() => undefined);
      }
    });
  }

  /** The API as a controller sees it that dies: from one write on, none is done; `late`: that one is, and nobody hears of it. */
  function mortal(writes: number, late: boolean): { client: KubeClient; died: Promise<void> } {
    let left = writes;
    const death = Promise.withResolvers<void>();
    const guarded = new Proxy(api.client, {
      get(target, name) {
        const method = Reflect.get(target, name) as (...args: unknown[]) => unknown;
        if (!['create', 'update', 'patch', 'delete'].includes(String(name))) return method.bind(target);
        return async (...args: unknown[]) => {
          if ((args[0] as { plural: string }).plural === 'events') return undefined;
          left -= 1;
          if (left >= 0) return method.apply(target, args);
          if (left === -1 && late) await Promise.resolve(method.apply(target, args)).catch(() => undefined);
          death.resolve();
          return new Promise(() => undefined);
        };
      },
    });
    return { client: guarded, died: death.promise };
  }

  it.each([
    ['plain', { completions: 6, parallelism: 3, backoffLimit: 20 }],
    ['indexed', { completions: 6, parallelism: 3, backoffLimit: 20, completionMode: 'Indexed' }],
    ['indexed with limits of each index', { completions: 6, parallelism: 3, backoffLimitPerIndex: 20, completionMode: 'Indexed' }],
  ] as const)('counts each pod once, whichever write is its last: %s', { timeout: 120_000 }, async (kind, spec) => {
    const stopEnding = endPods();
    let round = 0;
    for (let writes = 0; writes < 24; writes++) {
      for (const late of [false, true]) {
        const name = `job-${kind.replaceAll(' ', '-')}-${round++}`;
        await create(name, spec);
        // The first one dies, and the next one finds what it left.
        const { client, died } = mortal(writes, late);
        const stopping = new AbortController();
        const first = new ManualClock();
        const dying = runJobController({ client, store: api.store, log: silentLog, clock: first, signal: stopping.signal });
        const over = vi.waitUntil(async () => isFinished(await read(name)), { timeout: 500, interval: 5 }).catch(() => undefined);
        await Promise.race([died, over]);
        stopping.abort();
        void dying.done;
        const second = run(api.client, new ManualClock());
        await vi.waitFor(
          async () => {
            await second.clock.advance(600_000);
            expect(isFinished(await read(name))).toBe(true);
          },
          { timeout: 20_000, interval: 5 },
        );
        const { status } = await read(name);
        const mine = (await allPods()).filter(({ metadata }) => metadata.labels?.['job-name'] === name);
        const ended = (phase: string): number => mine.filter((pod) => pod.status?.phase === phase).length;
        const wants = { succeeded: 6, active: 0, pods: [6, ended('Failed')] };
        expect({ succeeded: status?.succeeded, active: status?.active ?? 0, pods: [ended('Succeeded'), status?.failed ?? 0] }).toEqual(
          wants,
        );
        expect(mine.filter(isTracked)).toEqual([]);
        expect(status?.uncountedTerminatedPods).toEqual({});
        await second.stop();
        await api.client.delete(jobs, { namespace, name }, { propagationPolicy: 'Orphan' });
        await api.client.patch(jobs, { namespace, name }, { type: 'merge', body: { metadata: { finalizers: null } } });
        await Promise.all(mine.map(({ metadata }) => api.client.delete(pods, metadata, { gracePeriodSeconds: 0 })));
      }
    }
    stopEnding();
  });
});
