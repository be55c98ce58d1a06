/** What 10,000 registered functions cost: memory of the platform, and latency of the one that is called. */
import { createFunctions, eachLimited, helloFunction, memory, startPlatform, type Platform } from '../lib/platform.ts';
import { figure, type Row } from '../lib/row.ts';
import { median } from '../lib/stats.ts';
import { wrk } from '../lib/wrk.ts';

const functions = '/apis/tsumugi.dev/v1/namespaces/default/functions';

export const many: Row = {
  name: 'many',
  async run({ rounds, seconds, quick }) {
    const count = quick ? 500 : 10_000;
    const platform = await startPlatform(true);
    try {
      await new Promise((resolve) => setTimeout(resolve, 10_000));
      const idle = memory(platform);
      // One package for all: what is measured is what is registered, not what is built.
      await createFunctions(platform, ['first']);
      const { items } = await platform.api<{ items: { spec: { source: { package: string } } }[] }>(
        'GET',
        '/apis/tsumugi.dev/v1/namespaces/default/revisions?labelSelector=',
      );
      const { package: id } = items.at(-1)!.spec.source;
      const names = Array.from({ length: count }, (_, i) => `fn-${i}`);
      await eachLimited(names, 8, (name) => platform.api('POST', functions, helloFunction(name, { source: { package: id } })));
      for (let ready = 0; ready < count;) {
        await new Promise((resolve) => setTimeout(resolve, 2000));
        const list = await platform.api<{ items: { status?: { conditions?: { type: string; status: string }[] } }[] }>('GET', functions);
        ready = list.items.filter((item) => item.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')).length;
      }
      await new Promise((resolve) => setTimeout(resolve, 20_000));
      const full = memory(platform);
      const latency = await compareLatency(platform, rounds, seconds);
      return [
        figure('PSS of the platform without pods, idle', idle.total, 'MB', [150, 110], idle.text),
        figure(`the same with ${count} functions`, full.total, 'MB', [220, 150], full.text),
        figure(
          `warm latency with ${count} functions to 1`,
          median(latency.map(({ among, alone }) => among / alone)),
          'x',
          [1.1, 1],
          `${median(latency.map(({ among }) => among))} us to ${median(latency.map(({ alone }) => alone))} us`,
        ),
      ];
    } finally {
      await platform.stop();
    }
  },
};

/** The same function on a platform that has no others, round by round beside this one: the machine's moods meet both. */
async function compareLatency(crowded: Platform, rounds: number, seconds: number): Promise<{ among: number; alone: number }[]> {
  const empty = await startPlatform(true);
  try {
    const p50 = async ({ gateway }: Platform, time: number): Promise<number> =>
      (await wrk({ url: `${gateway}/function/hello`, connections: 1, seconds: time })).p50;
    await p50(crowded, 2);
    await p50(empty, 2);
    const found: { among: number; alone: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      const first = round % 2 === 0 ? await p50(crowded, seconds) : undefined;
      const alone = await p50(empty, seconds);
      found.push({ among: first ?? (await p50(crowded, seconds)), alone });
    }
    return found;
  } finally {
    await empty.stop();
  }
}
