/** The job controller: what Kubernetes makes of Jobs and what ours makes of them is the same, in status, pods and Events. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openPair, type Pair } from '../pair.ts';
import { cases } from './cases.ts';
import { Side } from './side.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];

describe.runIf(path)('Jobs under a real job controller and under ours', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await openPair(path as string);
  });
  afterAll(() => pair?.close());

  it.concurrent.each(Object.entries(cases).map(([name, played], index) => ({ name, index, ...played })))(
    '$name',
    { timeout: 120_000 },
    async ({ index, events, play }) => {
      const sides = [pair.client, pair.api.client].map((client) => new Side(client, pair.namespace, `case-${index}`));
      await Promise.all(sides.map(play));
      await vi.waitFor(
        async () => {
          const [theirs, mine] = await Promise.all(sides.map((side) => side.told()));
          expect(mine).toEqual(theirs);
          for (const reason of events)
            expect(
              mine?.events.some((event) => event.includes(`"${reason}"`)),
              reason,
            ).toBe(true);
        },
        { timeout: 15_000, interval: 200 },
      );
    },
  );
});
