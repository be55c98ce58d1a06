/** What 1,000 registered functions that nobody calls cost: pods. */
import type { Pod } from '../../src/resources/builtin/pod-types.ts';
import type { RevisionResource } from '../../src/resources/revision.ts';
import { pods, revisions } from '../../src/resources/resources.ts';
import { figure, type Row } from '../lib/row.ts';
import { createFunctions, type Installed, pause, pooled, poolSize, until } from './installed.ts';

export const idle: Row<[Installed]> = {
  name: 'idle',
  run: ({ quick }, installed) =>
    installed.inNamespace('idle', async (namespace) => {
      const count = quick ? 100 : 1000;
      await createFunctions(installed, namespace, ['first']);
      // One package for all: what is measured is what is registered, not what is built.
      const [revision] = (await installed.client.list<RevisionResource>(revisions, { namespace })).items;
      const names = Array.from({ length: count - 1 }, (_, i) => `idle-${i}`);
      await createFunctions(installed, namespace, names, { package: revision!.spec.source.package });
      await until('the pool is full', async () => (await pooled(installed, namespace)) >= poolSize);
      await pause(quick ? 1000 : 10_000);
      const there = (await installed.client.list<Pod>(pods, { namespace })).items.length;
      return [
        figure(
          `pods for ${count} registered idle functions, beyond the pool's ${poolSize}`,
          there - poolSize,
          '',
          [0, 0],
          `${there} pods in their namespace`,
        ),
      ];
    }),
};
