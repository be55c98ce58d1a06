/** The objects of a runner: its Job, the ConfigMap that says what runs, the Secret with what nobody may read. All have the run's name. */
import type { ConfigMap } from '../../resources/builtin/configmap.ts';
import type { Job } from '../../resources/builtin/job/types.ts';
import type { PodSpec } from '../../resources/builtin/pod-types.ts';
import type { Secret } from '../../resources/builtin/secret.ts';
import type { KubeObject, OwnerReference } from '../../resources/object.ts';
import type { Run } from '../../records/runs.ts';
import { labelsOf } from './labels.ts';
import type { RunnerSpec } from './specs.ts';

export interface RunnerPlan {
  readonly revision: string;
  readonly pod: PodSpec;
}

export function runnerJob(run: Run, { pod }: RunnerPlan): Job {
  const { timeoutSeconds } = run.spec as RunnerSpec;
  const labels = labelsOf(run);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { namespace: run.namespace, name: run.name, labels },
    spec: {
      completions: 1,
      parallelism: 1,
      // Nobody knows whether a call that ended half-way may be made again.
      backoffLimit: 0,
      podReplacementPolicy: 'Failed',
      ...(timeoutSeconds !== undefined && { activeDeadlineSeconds: timeoutSeconds }),
      template: { metadata: { labels }, spec: { ...pod, restartPolicy: 'Never' } },
    },
  };
}

/** It goes with its Job. */
export function runnerConfigMap(run: Run, { revision }: RunnerPlan, job: Job): ConfigMap {
  const { function: name, export: exported, args, settings } = run.spec as RunnerSpec;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: run.namespace, name: run.name, labels: labelsOf(run), ownerReferences: [ownedByJob(job)] },
    data: {
      function: name,
      revision,
      export: exported,
      arguments: JSON.stringify(args),
      ...(Object.keys(settings).length > 0 && { settings: JSON.stringify(settings) }),
    },
  };
}

/** `values`: the arguments at these positions. */
export function runnerSecret(run: Run, values: ReadonlyMap<number, unknown>): Secret {
  return secretOf(
    run,
    [...values].map(([position, value]) => [String(position), value]),
  );
}

/** The Secrets of a guest, by their names, until they are made. */
export const guestSecret = (run: Run, objects: readonly KubeObject[]): Secret =>
  secretOf(
    run,
    objects.map((object) => [object.metadata.name, object]),
  );

function secretOf(run: Run, entries: readonly (readonly [string, unknown])[]): Secret {
  const data = entries.map(([key, value]) => [key, Buffer.from(JSON.stringify(value) ?? 'null').toString('base64')]);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: run.namespace, name: run.name, labels: labelsOf(run) },
    type: 'Opaque',
    data: Object.fromEntries(data) as Record<string, string>,
  };
}

/** The arguments of the call, complete. Undefined: the Secret does not have what is missing. */
export function runnerArguments({ args, sensitive }: RunnerSpec, secret: Secret | undefined): readonly unknown[] | undefined {
  if (sensitive.some((position) => secret?.data?.[position] === undefined)) return undefined;
  return args.map((value, position) =>
    sensitive.includes(position) ? (JSON.parse(Buffer.from(secret?.data?.[position] ?? '', 'base64').toString()) as unknown) : value,
  );
}

export const ownedByJob = ({ metadata }: Job): OwnerReference => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  name: metadata.name,
  uid: metadata.uid ?? '',
});
