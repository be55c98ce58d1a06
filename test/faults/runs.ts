/** Executions and runners while the controllers that drive them are killed: each comes to its end once, and is told once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { readEvents } from '../../src/client/events.ts';
import { type Platform, Runner, TsumugiError } from '../../src/client/index.ts';
import { call } from '../../src/client/rpc.ts';
import type { ExecutionJson } from '../../src/jobs/api/generated/execution.generated.ts';
import { packageVersion } from '../../src/processes/version.ts';
import type { FunctionResource } from '../../src/resources/function.ts';
import type { JobDefinition } from '../../src/resources/job-definition.ts';
import { functions, jobDefinitions, jobs, pods } from '../../src/resources/resources.ts';
import { isReady } from '../../src/resources/conditions.ts';
import { eventually } from '../e2e/platform.ts';
import type { FaultPlatform } from './platform.ts';
import { signalPod } from './processes.ts';

const source = `const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  export const work = async (n = 2, ms = 200) => { console.log('working on ' + n); await wait(ms); return n * n; };`;

export interface RunCounts {
  readonly ofFunctions: number;
  readonly ofContainers: number;
  readonly runners: number;
  /** How often the leader is killed while they are under way. */
  readonly kills: number;
}

const define = (namespace: string, name: string, template: object): JobDefinition =>
  ({
    apiVersion: 'tsumugi.dev/v1',
    kind: 'JobDefinition',
    metadata: { namespace, name },
    spec: { template: { spec: { taskCount: 2, parallelism: 2, template: { spec: { maxRetries: 0, ...template } } } } },
  }) as unknown as JobDefinition;

/** Asks again while nobody answers; what was heard before its answer was lost is refused the second time, which is as good. */
async function patient<T>(what: string, ask: () => Promise<T>): Promise<void> {
  await eventually(
    what,
    async () => {
      await ask().catch((error: unknown) => {
        if (!(error instanceof TsumugiError && error.code === 'Conflict') && !String(error).includes('already')) throw error;
      });
      return true;
    },
    60,
  );
}

/** Throws what is not as it should be. */
export async function runsSurvive(faults: FaultPlatform, platform: Platform, counts: RunCounts): Promise<void> {
  const { client, namespace } = faults;
  await client.create(functions, {
    apiVersion: 'tsumugi.dev/v1',
    kind: 'Function',
    metadata: { namespace, name: 'work' },
    spec: { source: { inline: source } },
  } as unknown as FunctionResource);
  await client.create(jobDefinitions, define(namespace, 'called', { call: { function: 'work', export: 'work' } }));
  const container = { name: 'main', image: `tsumugi/binary:${packageVersion()}`, command: ['/bin/sh', '-c', 'echo working; sleep 3'] };
  await client.create(jobDefinitions, define(namespace, 'contained', { containers: [container] }));
  await eventually(
    'the function is ready',
    async () => isReady(await client.get<FunctionResource>(functions, { namespace, name: 'work' })),
    60,
  );

  const names = (job: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${job}-${n}`);
  const executions = [...names('called', counts.ofFunctions), ...names('contained', counts.ofContainers)];
  const ids = Array.from({ length: counts.runners }, (_, n) => `runner-${String(n).padStart(32, '0')}`);
  const asking = (async () => {
    for (const [n, id] of ids.entries()) {
      const body = JSON.stringify({ id, call: 'work', args: [n, 3000] });
      await patient(`${id} is asked for`, () => platform.platform(`/v1/namespaces/${namespace}/runners`, { method: 'POST', body }));
    }
    for (const executionId of executions.toReversed()) {
      const name = `namespaces/${namespace}/jobs/${executionId.split('-')[0]}`;
      await patient(`${executionId} is asked for`, () => call(platform, 'Jobs/RunJob', { name, executionId }));
    }
  })();
  for (let kill = 0; kill < counts.kills; kill++) {
    await sleep(2000);
    const { pod, epoch } = await faults.leader();
    signalPod(pod.metadata.uid ?? '', 'SIGKILL');
    await eventually('another leads', async () => (await faults.leader()).epoch > epoch, 60);
  }
  await asking;

  const get = (name: string): Promise<ExecutionJson> =>
    call(platform, 'Executions/GetExecution', { name: `namespaces/${namespace}/jobs/-/executions/${name}` });
  for (const name of executions) {
    await eventually(`${name} has ended`, async () => (await get(name)).completionTime !== undefined, 90);
    expect(await get(name)).toMatchObject({ status: 'SUCCEEDED', succeededCount: 2 });
  }
  for (const [n, id] of ids.entries()) {
    const runner = await Runner.load(id, { platform });
    expect([await runner.waitFor({ timeout: 60 }), await runner.result()]).toEqual(['succeeded', n * n]);
    const [lines] = Object.values(await runner.logs());
    expect(lines).toEqual([`Runner ID: ${id}\n`, `work(${n}, 3000)\n`, `working on ${n}\n`, `Result: ${n * n}\n`]);
  }
  const told = new Map<string, string>();
  for await (const { event } of readEvents(platform, { namespace })) {
    const of = String(event.data['runnerId'] ?? event.data['execution']);
    told.set(of, `${told.get(of) ?? ''} ${event.type.split('.').at(-1)}`);
  }
  expect([...told].filter(([, types]) => types !== ' running succeeded')).toEqual([]);
  expect([...told.keys()].toSorted()).toEqual([...executions, ...ids].toSorted());
  for (const resource of [jobs, pods])
    await eventually(
      `${resource.plural} of runs are gone`,
      async () => (await client.list(resource, { namespace, labelSelector: 'tsumugi.dev/run' })).items.length === 0,
      60,
    );
}
