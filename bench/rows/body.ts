/** One body of 10 MB up and down. */
import { Agent } from 'node:http';
import { timed } from '../lib/client.ts';
import { startPlatform } from '../lib/platform.ts';
import { freePort, startServer } from '../lib/processes.ts';
import { figure, type Row } from '../lib/row.ts';
import { median } from '../lib/stats.ts';

const raw = new URL('../peers/raw.ts', import.meta.url).pathname;
const SIZE = 10 * 1024 * 1024;

export const body: Row = {
  name: 'body',
  async run({ rounds }) {
    const port = await freePort();
    const server = await startServer([process.execPath, raw, String(port)], port);
    const platform = await startPlatform(true);
    const agent = new Agent({ keepAlive: true });
    try {
      const payload = Buffer.alloc(SIZE, 1);
      const ms: number[][] = [[], []];
      for (let round = 0; round < rounds * 5 + 2; round++) {
        for (const [i, [at, path]] of (
          [
            [port, '/echo'],
            [platform.port, '/function/body'],
          ] as const
        ).entries()) {
          const result = await timed(`http://127.0.0.1:${at}${path}`, payload, agent);
          if (result.status !== 200 || result.bytes !== SIZE) throw new Error(`${path}: ${result.status}, ${result.bytes} bytes came back`);
          if (round >= 2) ms[i]!.push(result.ms);
        }
      }
      const ratio = median(ms[0]!.map((value, i) => value / ms[1]![i]!));
      return [
        figure(
          'one 10 MB body up and down: speed to raw',
          ratio,
          'x',
          [0.4, 0.6],
          `${median(ms[1]!).toFixed(1)} ms to ${median(ms[0]!).toFixed(1)} ms`,
        ),
      ];
    } finally {
      agent.destroy();
      await Promise.all([server.stop(), platform.stop()]);
    }
  },
};
