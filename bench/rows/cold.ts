/** The first request of a function that has never run: alone, a hundred at once, and as many as possible. */
import { availableParallelism } from 'node:os';
import { Agent } from 'node:http';
import { timed } from '../lib/client.ts';
import { createFunctions, eachLimited, startPlatform, type Platform } from '../lib/platform.ts';
import { cpuSeconds } from '../lib/processes.ts';
import { figure, type Row } from '../lib/row.ts';
import { quantile } from '../lib/stats.ts';

const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Blank pods that wait in the namespace's pool. */
async function poolFilled(platform: Platform, size: number): Promise<void> {
  for (;;) {
    const { items } = await platform.api<{
      items: {
        metadata: { labels?: Record<string, string> };
        status?: { phase?: string; conditions?: { type: string; status: string }[] };
      }[];
    }>('GET', '/api/v1/namespaces/default/pods');
    const blank = items.filter(
      (pod) =>
        !pod.metadata.labels?.['tsumugi.dev/function'] && pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
    );
    if (blank.length >= size) return;
    await pause(50);
  }
}

async function ok(platform: Platform, name: string, agent?: Agent): Promise<number> {
  const { status, ms } = await timed(`${platform.gateway}/function/${name}`, undefined, agent);
  if (status !== 200) throw new Error(`${name} answered ${status}`);
  return ms;
}

export const cold: Row = {
  name: 'cold',
  async run({ quick }) {
    const count = quick ? 20 : 100;
    const platform = await startPlatform(false);
    try {
      await createFunctions(platform, names('cold-', count));
      await poolFilled(platform, 3);
      // The client keeps its connection, as clients do: what is cold is the function.
      const agent = new Agent({ keepAlive: true });
      await timed(`${platform.gateway}/healthz`, undefined, agent);
      const ms: number[] = [];
      for (const name of names('cold-', count)) {
        const next = performance.now() + 100;
        ms.push(await ok(platform, name, agent));
        await pause(Math.max(0, next - performance.now()));
      }
      agent.destroy();
      return [
        figure('cold from the pool, a new function every 100 ms: p50', quantile(ms, 0.5), 'ms', [8, 3], `${count} functions`),
        figure('the same: p95', quantile(ms, 0.95), 'ms', [20, 8], `worst ${Math.max(...ms).toFixed(1)} ms`),
      ];
    } finally {
      await platform.stop();
    }
  },
};

export const burst: Row = {
  name: 'burst',
  async run() {
    const figures = [];
    for (const [pool, limits] of [
      [3, [4, 2]],
      [100, [1, 0.5]],
    ] as const) {
      const platform = await startPlatform(false);
      try {
        if (pool !== 3) await platform.api('PATCH', '/apis/tsumugi.dev/v1/runtimes/node', { spec: { poolSize: pool } });
        await createFunctions(platform, names('burst-', 100));
        await poolFilled(platform, pool);
        const start = performance.now();
        await Promise.all(names('burst-', 100).map((name) => ok(platform, name)));
        figures.push(
          figure(`100 functions cold at once, pool ${pool}: last answer`, (performance.now() - start) / 1000, 's', limits, 'none failed'),
        );
      } finally {
        await platform.stop();
      }
    }
    return figures;
  },
};

export const sustained: Row = {
  name: 'sustained',
  async run({ quick }) {
    const count = quick ? 60 : 250;
    const platform = await startPlatform(false);
    try {
      await createFunctions(platform, names('many-', count));
      await poolFilled(platform, 3);
      const cpuBefore = cpuSeconds(platform.all());
      const start = performance.now();
      await eachLimited(names('many-', count), 8, (name) => ok(platform, name));
      const seconds = (performance.now() - start) / 1000;
      // What bounds it: a pod is a new process. Instances stay, so that all that they used can still be read.
      const cpu = ((cpuSeconds(platform.all()) - cpuBefore) / count) * 1000;
      const made = `${count} functions, 8 callers, ${seconds.toFixed(1)} s; ${cpu.toFixed(0)} ms of CPU each on ${availableParallelism()} cores`;
      return [figure('sustained cold starts', count / seconds, '/s', [25, 40], made)];
    } finally {
      await platform.stop();
    }
  },
};
