/** Warm traffic while the control plane is busy: 300 objects a second are written, and 10,000 listed every two seconds. */
import { eachLimited, startPlatform } from '../lib/platform.ts';
import { figure, type Row } from '../lib/row.ts';
import { median } from '../lib/stats.ts';
import { wrk } from '../lib/wrk.ts';

const path = '/api/v1/namespaces/default/configmaps';
const object = (name: string): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { text: 'x'.repeat(1500) } });

export const control: Row = {
  name: 'control',
  async run({ rounds, seconds, quick }) {
    const count = quick ? 2_000 : 10_000;
    const platform = await startPlatform(true);
    try {
      await eachLimited(
        Array.from({ length: count }, (_, i) => `load-${i}`),
        16,
        (name) => platform.api('POST', path, object(name)),
      );
      const url = `${platform.gateway}/function/hello`;
      await wrk({ url, connections: 8, seconds: 2 });
      const quiet: number[] = [];
      const loaded: number[] = [];
      let written = 0;
      for (let round = 0; round < rounds; round++) {
        quiet.push((await wrk({ url, connections: 8, seconds })).p99);
        const load = { going: true };
        const writer = (async () => {
          while (load.going) {
            const next = performance.now() + 50;
            await Promise.all(
              Array.from({ length: 15 }, () => platform.api('POST', path, { ...object(''), metadata: { generateName: 'more-' } })),
            );
            written += 15;
            await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
          }
        })();
        const lister = (async () => {
          while (load.going) {
            await platform.apiRaw(path);
            await new Promise((resolve) => setTimeout(resolve, 2000));
          }
        })();
        const result = await wrk({ url, connections: 8, seconds });
        load.going = false;
        loaded.push(result.p99);
        await Promise.all([writer, lister]);
      }
      const ratio = median(loaded.map((value, i) => value / quiet[i]!));
      return [
        figure(
          'p99 of warm traffic beside a busy control plane',
          ratio,
          'x',
          [3, 1.5],
          `${(median(loaded) / 1000).toFixed(2)} ms to ${(median(quiet) / 1000).toFixed(2)} ms; ${Math.round(written / (rounds * seconds))} objects/s, lists of ${count}`,
        ),
      ];
    } finally {
      await platform.stop();
    }
  },
};
