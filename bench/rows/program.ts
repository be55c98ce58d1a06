/** A shell one-liner on runtime `binary`, to plain spawn-per-request in Node, interleaved; 8 connections. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFunctions, startPlatform } from '../lib/platform.ts';
import { cpuSeconds, freePort, startServer } from '../lib/processes.ts';
import { figure, type Row } from '../lib/row.ts';
import { median } from '../lib/stats.ts';
import { wrk } from '../lib/wrk.ts';

const here = new URL('..', import.meta.url).pathname;
const script = '#!/bin/sh\necho hello\n';

export const program: Row = {
  name: 'program',
  async run({ rounds, seconds }) {
    const folder = mkdtempSync(join(tmpdir(), 'tsumugi-bench-program-'));
    const file = join(folder, 'hello.sh');
    writeFileSync(file, script, { mode: 0o755 });
    const port = await freePort();
    const plain = await startServer([process.execPath, join(here, 'peers/spawn.ts'), String(port), file], port);
    const platform = await startPlatform(false);
    try {
      await createFunctions(platform, ['script'], { runtime: 'binary', source: { inline: script } });
      const ours = `${platform.gateway}/function/script`;
      const theirs = `http://127.0.0.1:${port}/`;
      for (const url of [ours, theirs]) await wrk({ url, connections: 8, seconds: 2 });
      const [ratios, rates, costs, wrong] = [[] as number[], [[], []] as number[][], [] as number[], [] as number[]];
      for (let round = 0; round < rounds; round++) {
        const before = cpuSeconds(platform.all());
        const mine = await wrk({ url: ours, connections: 8, seconds, statuses: true });
        costs.push(((cpuSeconds(platform.all()) - before) / mine.requests) * 1e3);
        wrong.push(mine.requests - (mine.statuses.get(200) ?? 0));
        const other = await wrk({ url: theirs, connections: 8, seconds });
        ratios.push(mine.perSecond / other.perSecond);
        rates[0]!.push(mine.perSecond);
        rates[1]!.push(other.perSecond);
      }
      const [mine = 0, other = 0] = rates.map((each) => Math.round(median(each)));
      const total = wrong.reduce((sum, each) => sum + each, 0);
      return [
        figure(
          'a shell one-liner on `binary`, 8 connections: requests/s to spawn-per-request in Node',
          median(ratios),
          'x',
          [0.8, 1.5],
          `${mine}/s to ${other}/s; ${median(costs).toFixed(2)} ms of CPU in the platform's living processes; ${total} wrong answers`,
        ),
      ];
    } finally {
      await Promise.all([plain.stop(), platform.stop()]);
      rmSync(folder, { recursive: true });
    }
  },
};
