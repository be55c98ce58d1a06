import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type EmbeddedApi, openEmbeddedApi } from '../../embedded/api/index.ts';
import { Accounts } from '../../functions/identity/accounts.ts';
import type { RunStatus, RunStore } from '../../records/runs.ts';
import { openSqliteRuns } from '../../records/sqlite/runs.ts';
import type { JobDefinition } from '../../resources/job-definition.ts';
import { jobDefinitions } from '../../resources/resources.ts';
import { reconcileJobDefinition } from './job-definitions.ts';

const key = { namespace: 'default', name: 'squares' };
let folder: string;
let api: EmbeddedApi;
let runs: RunStore;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-definitions-'));
  api = await openEmbeddedApi({ data: folder, listen: false });
  runs = openSqliteRuns(join(folder, 'records.db'));
});
afterEach(async () => {
  await runs.close();
  await api.close();
  rmSync(folder, { recursive: true });
});

async function ran(...all: readonly (readonly [string, RunStatus])[]): Promise<void> {
  await runs.insert(
    all.map(([uid]) => ({
      uid,
      namespace: 'default',
      name: uid,
      kind: 'execution' as const,
      place: 'instances' as const,
      job: 'squares',
      spec: { taskCount: 1 },
      createdAt: 1000,
    })),
  );
  const ended = all.filter(([, status]) => status !== 'queued');
  await runs.commit(ended.map(([uid, status]) => ({ uid, set: { status, endedAt: 2000 } })));
}

it('keeps as many executions as its history has room for, the newest ones, and shows the latest', async () => {
  const call = { function: 'square' };
  const spec = {
    successfulExecutionsHistoryLimit: 1,
    failedExecutionsHistoryLimit: 2,
    template: { spec: { template: { spec: { call } } } },
  };
  await api.client.create(jobDefinitions, {
    apiVersion: 'tsumugi.dev/v1',
    kind: 'JobDefinition',
    metadata: key,
    spec,
  } as unknown as JobDefinition);
  await ran(['s1', 'succeeded'], ['f1', 'failed'], ['c1', 'cancelled'], ['s2', 'succeeded'], ['f2', 'failed'], ['q1', 'queued']);
  const read = (): Promise<JobDefinition> => api.client.get<JobDefinition>(jobDefinitions, key);
  const look = async (): Promise<readonly string[]> => {
    const object = await read();
    const forgotten: string[] = [];
    const reconcile = reconcileJobDefinition({
      client: api.client,
      runs,
      find: () => object,
      forget: async ({ uid }) => {
        forgotten.push(uid);
        await runs.want(uid, 'delete');
      },
      accounts: new Accounts(api.client, false),
      now: () => 0,
    });
    await reconcile('default/squares');
    return forgotten.toSorted();
  };
  expect(await look()).toEqual(['f1', 's1']);
  expect((await read()).status).toMatchObject({
    executionCount: 6,
    latestCreatedExecution: { name: 'q1', completionStatus: 'EXECUTION_PENDING' },
  });
  // Nobody is asked twice to forget the same.
  expect(await look()).toEqual([]);
  await runs.delete(['f1', 's1']);
  expect(await look()).toEqual([]);
  expect((await read()).status).toMatchObject({ executionCount: 4 });
});
