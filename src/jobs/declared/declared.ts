/** The objects of this part: what is declared becomes runs, and what becomes of runs is shown. */
import { type Clock, systemClock } from '../../base/clock.ts';
import { TsumugiError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import { Informer } from '../../kube/informer.ts';
import { keyOf } from '../../kube/key.ts';
import { keysOf, runController } from '../../kube/reconcile.ts';
import type { NewRun, Run, RunStore } from '../../records/runs.ts';
import type { Execution } from '../../resources/execution.ts';
import type { JobDefinition } from '../../resources/job-definition.ts';
import { isNotFound } from '../../resources/object.ts';
import { executions, jobDefinitions } from '../../resources/resources.ts';
import type { Bell } from '../bell.ts';
import type { RunJobRequest } from '../jobs.ts';
import { planExecution } from '../model/plan.ts';
import type { JobAccounts } from '../pods/job-identity.ts';
import { ExecutionReconciler } from './executions.ts';
import { reconcileJobDefinition } from './job-definitions.ts';

export interface LeadDeclaredOptions {
  readonly client: KubeClient;
  readonly runs: RunStore;
  readonly bell: Bell;
  /** Forgets a run that has ended, and the object that declared it. */
  readonly forget: (run: Run) => Promise<void>;
  readonly accounts: JobAccounts;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  readonly log: Log;
}

/** At most so often a status follows its run; s. */
const showEvery = 0.25;

/** What a run of the definition is. Throws Invalid with the field. */
export function planRun(request: RunJobRequest & { readonly name: string }, definition: JobDefinition): Omit<NewRun, 'uid' | 'createdAt'> {
  const { namespace, job, name, labels, overrides } = request;
  const spec = planExecution(definition.spec, overrides);
  return {
    namespace,
    name,
    kind: 'execution',
    place: spec.call ? 'instances' : 'pods',
    job,
    labels: { ...definition.spec.template.metadata?.labels, ...labels },
    spec,
  };
}

/** The same, the definition read from the API. Throws NotFound. */
export async function planFromApi(
  client: KubeClient,
  request: RunJobRequest & { readonly name: string },
): Promise<Omit<NewRun, 'uid' | 'createdAt'>> {
  const { namespace, job } = request;
  const definition = await client.get<JobDefinition>(jobDefinitions, { namespace, name: job }).catch((error: unknown) => {
    if (isNotFound(error)) throw new TsumugiError('NotFound', `JobDefinition "${job}" does not exist in namespace ${namespace}`);
    throw error;
  });
  return planRun(request, definition);
}

/** Deletes the object that declares the run. False: there is none. */
export async function undeclare(client: KubeClient, { kind, namespace, name, uid }: Run): Promise<boolean> {
  if (kind !== 'execution') return false;
  try {
    const { metadata } = await client.get<Execution>(executions, { namespace, name });
    if (metadata.uid !== uid) return false;
    await client.delete(executions, { namespace, name }, { preconditions: { uid } });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** Resolves when `signal` is aborted and what was begun has ended. */
export async function leadDeclared({
  client,
  runs,
  bell,
  forget,
  accounts,
  signal,
  clock = systemClock,
  log,
}: LeadDeclaredOptions): Promise<void> {
  const objects = new Informer<Execution>(client, executions, {
    log,
    indexes: { definition: ({ metadata, spec }) => [`${metadata.namespace}/${spec.jobDefinition}`] },
  });
  const definitions = new Informer<JobDefinition>(client, jobDefinitions, { log });
  const stopped = Promise.all([objects.start(signal), definitions.start(signal)]);
  const reconciler = new ExecutionReconciler({
    client,
    runs,
    bell,
    find: (key) => objects.get(key),
    definition: (key) => definitions.get(key),
    plan: planRun,
    clock,
  });
  const executionLoop = runController({
    name: 'executions',
    // One that waits for its definition is looked at when that comes.
    informers: [
      keysOf(objects),
      keysOf(definitions, (definition) =>
        objects
          .byIndex('definition', keyOf(definition))
          .filter(({ status }) => status?.taskCount === undefined)
          .map((each) => keyOf(each)),
      ),
    ],
    reconcile: (key) => reconciler.reconcile(key),
    log,
    signal,
  });
  const definitionLoop = runController({
    name: 'jobdefinitions',
    informers: [keysOf(definitions)],
    reconcile: reconcileJobDefinition({
      client,
      runs,
      find: (key) => definitions.get(key),
      forget,
      accounts,
      now: () => clock.now(),
    }),
    log,
    signal,
  });
  const silence = bell.on((ring, run) => {
    if (!run || run.kind !== 'execution') return;
    const key = `${run.namespace}/${run.name}`;
    if (objects.get(key)) executionLoop.enqueueAfter(key, ring === 'asked' ? 0 : showEvery);
    const definition = `${run.namespace}/${run.job}`;
    if (definitions.get(definition)) definitionLoop.enqueueAfter(definition, showEvery);
  });
  await Promise.all([executionLoop.done, definitionLoop.done, stopped]);
  silence();
}
