/** From `kubectl apply` of a Function, with its source in the manifest, to its first answer. */
import { timed } from '../lib/client.ts';
import { figure, type Row } from '../lib/row.ts';
import { median, quantile } from '../lib/stats.ts';
import { createFunctions, type Installed, pause, pooled, poolSize, until } from './installed.ts';

const manifest = (name: string): string =>
  `apiVersion: tsumugi.dev/v1\nkind: Function\nmetadata: {name: ${name}}\nspec: {source: {inline: "export default () => 'hello from ${name}'"}}\n`;

export const apply: Row<[Installed]> = {
  name: 'apply',
  run: ({ quick }, installed) =>
    installed.inNamespace('apply', async (namespace) => {
      // The namespace has a pool, as one in use has.
      await createFunctions(installed, namespace, ['first']);
      const [answered, applied]: [number[], number[]] = [[], []];
      for (let i = 0; i < (quick ? 5 : 20); i++) {
        await until('the pool is full', async () => (await pooled(installed, namespace)) >= poolSize);
        await pause(1000);
        const from = performance.now();
        const since = (): number => performance.now() - from;
        const applying = installed.kubectl(['apply', '-n', namespace, '-f', '-'], manifest(`apply-${i}`)).then(() => applied.push(since()));
        const url = `${installed.gateway}/function/apply-${i}.${namespace}`;
        for (let status = 404; status === 404; await pause(5)) ({ status } = await timed(url));
        answered.push(since());
        await applying;
      }
      return [
        figure(
          'from `kubectl apply` to the first answer: median',
          median(answered),
          'ms',
          undefined,
          `${answered.length} functions; p95 ${quantile(answered, 0.95).toFixed(0)} ms; kubectl itself ended after ${median(applied).toFixed(0)} ms`,
        ),
      ];
    }),
};
