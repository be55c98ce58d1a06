/** What a JobDefinition shows: its latest execution and how many there are. What its history has no room for is dropped here, too. */
import { TsumugiError } from '../../base/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Run, RunStatus, RunStore } from '../../records/runs.ts';
import { setCondition } from '../../resources/conditions.ts';
import type { JobDefinition, JobDefinitionStatus } from '../../resources/job-definition.ts';
import { jobDefinitions as resource } from '../../resources/resources.ts';
import { planExecution } from '../model/plan.ts';
import type { JobAccounts } from '../pods/job-identity.ts';

const fieldManager = 'tsumugi-jobs';
/** Dropped at once: what is left comes the next time. */
const batch = 100;

export interface JobDefinitionReconcilerOptions {
  readonly client: KubeClient;
  readonly runs: RunStore;
  readonly find: (key: string) => JobDefinition | undefined;
  /** Forgets a run that has ended, and the object that declared it. */
  readonly forget: (run: Run) => Promise<void>;
  readonly accounts: JobAccounts;
  readonly now: () => number;
}

export function reconcileJobDefinition({ client, runs, find, forget, accounts, now }: JobDefinitionReconcilerOptions) {
  return async (key: string): Promise<{ again: number } | undefined> => {
    const object = find(key);
    if (!object || object.metadata.deletionTimestamp) return undefined;
    const { namespace = '', name: job, generation = 1 } = object.metadata;
    const mine = { namespace, job, kind: 'execution' } as const;
    const [[latest], executionCount] = await Promise.all([runs.list({ ...mine, limit: 1 }), runs.count(mine)]);
    const verdict = (await accountTaken(object, accounts)) ?? verdictOf(object);
    const conditions = setCondition(object.status?.conditions, { type: 'Ready', ...verdict, observedGeneration: generation }, now());
    const status: JobDefinitionStatus = {
      conditions,
      observedGeneration: generation,
      executionCount,
      ...(latest && { latestCreatedExecution: shown(latest) }),
    };
    if (JSON.stringify(status) !== JSON.stringify(object.status))
      await client.update<JobDefinition>(resource, { ...object, status }, { subresource: 'status', fieldManager });

    const { successfulExecutionsHistoryLimit: succeeded, failedExecutionsHistoryLimit: failed } = object.spec;
    const limits: readonly (readonly [number, readonly RunStatus[]])[] = [
      [succeeded, ['succeeded']],
      [failed, ['failed', 'cancelled', 'forceDeleted']],
    ];
    let dropped = 0;
    for (const [limit, statuses] of limits) {
      const query = { ...mine, status: statuses };
      if (executionCount <= limit || (await runs.count(query)) <= limit) continue;
      const tooMany = (await runs.list({ ...query, limit: limit + batch })).slice(limit);
      for (const run of tooMany) if (run.desired !== 'delete') await forget(run);
      dropped += tooMany.length;
    }
    return dropped > 0 ? { again: 1 } : undefined;
  };
}

interface Verdict {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** Makes the account of its containers what it declares. Answers where somebody else has one of that name. */
async function accountTaken(object: JobDefinition, accounts: JobAccounts): Promise<Verdict | undefined> {
  const { permissions } = object.spec;
  try {
    await (permissions ? accounts.ensure(object, permissions) : accounts.remove(object));
    return undefined;
  } catch (error) {
    if (!(error instanceof TsumugiError) || error.code !== 'Conflict') throw error;
    return { status: 'False', reason: 'AccountTaken', message: [error.message, error.hint].filter(Boolean).join(': ') };
  }
}

function verdictOf({ spec }: JobDefinition): Verdict {
  try {
    planExecution(spec);
    return { status: 'True', reason: 'Ready', message: '' };
  } catch (error) {
    if (!(error instanceof TsumugiError)) throw error;
    return { status: 'False', reason: 'Invalid', message: [error.field, error.message].filter(Boolean).join(': ') };
  }
}

const stands: Readonly<Record<RunStatus, string>> = {
  queued: 'EXECUTION_PENDING',
  running: 'EXECUTION_RUNNING',
  succeeded: 'EXECUTION_SUCCEEDED',
  failed: 'EXECUTION_FAILED',
  cancelled: 'EXECUTION_CANCELLED',
  forceDeleted: 'EXECUTION_FAILED',
};

const time = (milliseconds: number): string => `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;

const shown = ({ name, createdAt, endedAt, status }: Run): NonNullable<JobDefinitionStatus['latestCreatedExecution']> => ({
  name,
  creationTimestamp: time(createdAt),
  ...(endedAt !== undefined && { completionTimestamp: time(endedAt) }),
  completionStatus: stands[status],
});
