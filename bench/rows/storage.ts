/** The embedded API at size: 10,000 Functions and 100 watchers while 300 objects a second are written. */
import { loadavg } from 'node:os';
import { ourApi, p99 } from '../lib/api-load.ts';
import { helloFunction } from '../lib/platform.ts';
import { pssMegabytes } from '../lib/processes.ts';
import { figure, type Row } from '../lib/row.ts';
import { median, quantile } from '../lib/stats.ts';

const path = '/apis/tsumugi.dev/v1/namespaces/default/functions';

export const storage: Row = {
  name: 'storage',
  async run({ rounds, seconds, quick }) {
    const count = quick ? 2000 : 10_000;
    const api = await ourApi('full');
    try {
      await api.fill(path, count, (n) => helloFunction(`f-${n}`));
      const idle = pssMegabytes(api.pid);
      const lists: number[] = [];
      for (let round = 0; round < rounds; round++) lists.push((await api.list(path)).ms);
      const busy: number[] = [];
      const times = await api.fanOut(path, 100, { perSecond: 300, seconds: seconds * 2 }, async (n) => {
        // One list a second beside it.
        if (n % 300 === 150) busy.push((await api.list(path)).ms);
        return api.send('PATCH', `${path}/f-${n % count}`, { metadata: { labels: { n: String(n) } } });
      });
      const load = `load ${loadavg()[0]!.toFixed(1)}`;
      return [
        figure(`list of ${count} Functions`, median(lists), 'ms', undefined, `beside 300 writes/s ${median(busy).toFixed(0)} ms; ${load}`),
        figure(
          `watch p99, 100 watchers of ${count} Functions, 300 writes/s`,
          p99(times),
          'ms',
          undefined,
          `p50 ${quantile(times, 0.5).toFixed(1)} ms; ${times.length} events; ${load}`,
        ),
        figure(
          `memory of the API's process with them`,
          pssMegabytes(api.pid),
          'MB',
          undefined,
          `PSS; ${idle.toFixed(0)} MB before the writes`,
        ),
      ];
    } finally {
      await api.stop();
    }
  },
};
