/** One scenario: load, the fault in the middle of it, and what became of each request. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startLoad } from './load.ts';
import type { FaultPlatform } from './platform.ts';
import type { Result } from './report.ts';
import type { Scenario } from './scenarios.ts';
import { judgeOutcomes } from './verdict.ts';
import { watchPods } from './watch-pods.ts';

export interface Rates {
  readonly warmPerSecond: number;
  readonly coldPerSecond: number;
}

const secondsBefore = 5;

export async function runScenario(scenario: Scenario, platform: FaultPlatform, rates: Rates): Promise<Result> {
  const { balancer, namespace, sleeping, ledger } = platform;
  await platform.settled();
  const counted = watchPods(platform);
  const load = startLoad({ balancer, namespace, sleeping, ...rates });
  try {
    await sleep(secondsBefore * 1000);
    const broken = await scenario.fault(platform);
    await sleep(scenario.secondsAfter * 1000);
    const outcomes = await load.stop();
    const { made, poolAt } = counted(outcomes);
    return { scenario, broken, verdict: judgeOutcomes(outcomes, broken, ledger, poolAt), made };
  } finally {
    await load.stop();
  }
}
