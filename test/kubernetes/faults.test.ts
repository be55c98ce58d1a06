/** The short form of `npm run faults`: what dies most often, under a constant load of warm and cold calls. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaultPlatform, startFaultPlatform } from '../faults/platform.ts';
import { runScenario } from '../faults/run.ts';
import { scenarios } from '../faults/scenarios.ts';
import { complaints } from '../faults/verdict.ts';

const kubeconfig = process.env['TSUMUGI_TEST_KUBERNETES'] ?? '';

describe.runIf(kubeconfig)('under load', () => {
  let platform: FaultPlatform;

  beforeAll(async () => {
    platform = await startFaultPlatform(kubeconfig, 20);
  }, 300_000);
  afterAll(() => platform?.stop(), 120_000);

  it.each(scenarios.filter(({ short }) => short).map(({ name, ...scenario }) => ({ name, scenario })))(
    '$name: nothing fails but what was in flight on it',
    { timeout: 300_000 },
    async ({ name, scenario }) => {
      const { verdict } = await runScenario({ ...scenario, name }, platform, { warmPerSecond: 50, coldPerSecond: 0.5 });
      expect(complaints(verdict)).toEqual([]);
      expect(verdict.outcomes.filter(({ kind }) => kind === 'cold').length).toBeGreaterThan(3);
    },
  );
});

if (!kubeconfig) it.skip('needs TSUMUGI_TEST_KUBERNETES, a kubeconfig of a cluster with a node: npm run test:kubernetes');
