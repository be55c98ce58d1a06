/** What the platform adds to one request at a time. */
import { startPlatform } from '../lib/platform.ts';
import { freePort, startServer } from '../lib/processes.ts';
import { figure, type Row } from '../lib/row.ts';
import { median } from '../lib/stats.ts';
import { wrk } from '../lib/wrk.ts';

const raw = new URL('../peers/raw.ts', import.meta.url).pathname;

export const latency: Row = {
  name: 'latency',
  async run({ rounds, seconds }) {
    const port = await freePort();
    const server = await startServer([process.execPath, raw, String(port)], port);
    const platform = await startPlatform(true);
    try {
      const urls = [`http://127.0.0.1:${port}/`, `${platform.gateway}/function/hello`] as const;
      const p50: number[][] = [[], []];
      for (const url of urls) await wrk({ url, connections: 1, seconds: 1 });
      for (let round = 0; round < rounds; round++) {
        for (const [i, url] of urls.entries()) p50[i]!.push((await wrk({ url, connections: 1, seconds })).p50);
      }
      const added = median(p50[1]!.map((value, i) => value - p50[0]![i]!));
      return [figure('added p50 at one connection', added, 'us', [120, 80], `${median(p50[1]!)} us to ${median(p50[0]!)} us`)];
    } finally {
      await Promise.all([server.stop(), platform.stop()]);
    }
  },
};
