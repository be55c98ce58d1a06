/** Faults under a constant load, all of them: `npm run faults`. TSUMUGI_WRITE=1 puts the table into docs/reliability.md. */
import { loadavg } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaultPlatform, startFaultPlatform } from './platform.ts';
import { conditions, type Result, tableHead, tableLine, writeBetweenMarks } from './report.ts';
import { runScenario } from './run.ts';
import { scenarios } from './scenarios.ts';
import { complaints } from './verdict.ts';

const kubeconfig = process.env['TSUMUGI_TEST_KUBERNETES'] ?? '';
const canRestart = process.env['TSUMUGI_TEST_CLUSTER_RESTART'] !== undefined;
const rates = { warmPerSecond: 100, coldPerSecond: 1 };
const sleeping = 30;

describe.runIf(kubeconfig)('under load', () => {
  let platform: FaultPlatform | undefined;
  const results: Result[] = [];
  const [busy = 0] = loadavg();
  const toTable = (): string => [tableHead, ...results.map(tableLine)].join('\n');

  beforeAll(async () => {
    platform = await startFaultPlatform(kubeconfig, sleeping);
  }, 300_000);
  afterAll(async () => {
    if (!platform) return;
    const { gitVersion } = await platform.client.raw('/version').then((text) => JSON.parse(text) as { gitVersion: string });
    const load = `${rates.warmPerSecond} warm calls and ${rates.coldPerSecond} cold a second.`;
    const text = `${conditions(gitVersion, load, busy)}\n\n${toTable()}`;
    console.log(text);
    if (process.env['TSUMUGI_WRITE'] === '1') writeBetweenMarks('docs/reliability.md', text);
    await platform.stop();
  }, 120_000);

  it.each(scenarios.map(({ name, ...scenario }) => ({ name, scenario: { name, ...scenario } })))(
    '$name: nothing fails but what was in flight on it',
    { timeout: 400_000 },
    async ({ scenario }) => {
      if (scenario.needs === 'restart' && !canRestart)
        throw new Error('needs TSUMUGI_TEST_CLUSTER_RESTART, a command that restarts a program of the cluster');
      if (scenario.needs === 'database' && !platform?.database)
        throw new Error('needs the database of the platform: let this test install it, on a cluster without one');
      const result = await runScenario(scenario, platform!, rates);
      results.push(result);
      console.log(tableLine(result));
      expect(complaints(result.verdict)).toEqual([]);
    },
  );
});

if (!kubeconfig) it.skip('needs TSUMUGI_TEST_KUBERNETES: npm run faults');
