/** The short form of `npm run faults`: what dies most often, under a constant load of warm and cold calls. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../src/client/index.ts';
import { type FaultPlatform, startFaultPlatform } from '../faults/platform.ts';
import { runScenario } from '../faults/run.ts';
import { runsSurvive } from '../faults/runs.ts';
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

  it('executions and runners come to their end, once, while leaders are killed', { timeout: 300_000 }, async () => {
    await platform.settled();
    const client = await connect({ kubeconfig, namespace: platform.namespace });
    try {
      await runsSurvive(platform, client, { ofFunctions: 60, ofContainers: 4, runners: 4, kills: 2 });
    } finally {
      client.close();
    }
  });
});

if (!kubeconfig) it.skip('needs TSUMUGI_TEST_KUBERNETES, a kubeconfig of a cluster with a node: npm run test:kubernetes');
