/** The first request of a function that has never run, answered by a pod of the pool. */
import { Agent } from 'node:http';
import { timed } from '../lib/client.ts';
import { figure, type Row } from '../lib/row.ts';
import { quantile } from '../lib/stats.ts';
import { createFunctions, type Installed, pause, pooled, poolSize, until } from './installed.ts';

/** Instances stay for minutes, and a node has room for some dozens. */
const perNamespace = 20;
const everyMs = 300;

export const cold: Row<[Installed]> = {
  name: 'cold',
  async run({ quick }, installed) {
    // The client keeps its connection, as clients do: what is cold is the function.
    const agent = new Agent({ keepAlive: true });
    const ms: number[] = [];
    for (let batch = 0; batch < (quick ? 1 : 5); batch++) {
      await installed.inNamespace(`cold-${batch}`, async (namespace) => {
        const names = Array.from({ length: perNamespace }, (_, i) => `cold-${i}`);
        await createFunctions(installed, namespace, names);
        await timed(`${installed.gateway}/healthz`, undefined, agent);
        for (const name of names) {
          // A pod takes a second to start here: what is measured is a start from the pool, while the last one is replaced.
          await until('the pool is full', async () => (await pooled(installed, namespace)) >= poolSize);
          await pause(everyMs);
          const answer = await timed(`${installed.gateway}/function/${name}.${namespace}`, undefined, agent);
          if (answer.status !== 200) throw new Error(`${name} answered ${answer.status}`);
          ms.push(answer.ms);
        }
      });
    }
    agent.destroy();
    return [
      figure(
        'cold from the pool, through a gateway: p50',
        quantile(ms, 0.5),
        'ms',
        [60, 20],
        `${ms.length} functions, one after the other`,
      ),
      figure('the same: p95', quantile(ms, 0.95), 'ms', [150, 60], `worst ${Math.max(...ms).toFixed(1)} ms`),
    ];
  },
};
