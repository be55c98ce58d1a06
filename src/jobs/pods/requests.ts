/** How runners and guests are asked for: what is wrong with a request is told before anything is kept of it. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { TsumugiError } from '../../base/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Run } from '../../records/runs.ts';
import type { Secret } from '../../resources/builtin/secret.ts';
import { isNotFound, type KubeObject } from '../../resources/object.ts';
import { secrets } from '../../resources/resources.ts';
import type { Jobs } from '../jobs.ts';
import { createOnce } from './api.ts';
import type { FunctionPods } from './function-pods.ts';
import { guestObjects, resourceOf } from './guest-objects.ts';
import { labelsOf, runOf } from './labels.ts';
import { type Remote, RemoteAway, type RemoteKey, useRemote } from './remotes.ts';
import { guestSecret, runnerSecret } from './runner-objects.ts';
import type { GuestSpec, RunnerSpec } from './specs.ts';

const seconds = z.number().positive().max(31_536_000);
const names = z.array(z.string().min(1).max(253)).max(64);
const amounts = z.strictObject({ cpu: z.union([z.string(), z.number()]).optional(), memory: z.union([z.string(), z.number()]).optional() });

const runnerRequest = z.strictObject({
  /** Chosen by who asks, so that to ask again changes nothing. */
  id: z
    .string()
    .regex(/^runner-[0-9a-f]{32}$/)
    .optional(),
  /** As in `runner.NAME(…)`. */
  call: z.string().min(1).max(300),
  args: z.array(z.unknown()).max(1000).default([]),
  /** Positions in `args`. */
  sensitive: z.array(z.int().min(0)).default([]),
  env: z
    .array(z.looseObject({ name: z.string().min(1), value: z.string().optional() }))
    .max(1000)
    .optional(),
  secrets: names.optional(),
  configMaps: names.optional(),
  resources: z.strictObject({ limits: amounts.optional(), requests: amounts.optional() }).optional(),
  timeoutSeconds: seconds.optional(),
  queueTimeoutSeconds: seconds.optional(),
});

/** What remains in a ConfigMap, a Secret and a record: no place for large data. */
const maxArgumentBytes = 512 * 1024;

/** The value, or Invalid with the path of the first field that is wrong. */
function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const [issue] = error.issues;
  const field = (issue?.path ?? []).join('.');
  throw new TsumugiError('Invalid', `${field === '' ? 'the request' : field}: ${issue?.message ?? 'is not valid'}`, { field });
}

export interface RunnerRequestsOptions {
  readonly jobs: Jobs;
  readonly client: KubeClient;
  readonly functions: FunctionPods;
}

/** Starts runners; any replica does it. Durable when it resolves. */
export async function startRunner({ jobs, client, functions }: RunnerRequestsOptions, namespace: string, body: unknown): Promise<Run> {
  const { id, call, args, sensitive, timeoutSeconds, queueTimeoutSeconds, ...settings } = checked(runnerRequest, body);
  const beyond = sensitive.find((position) => position >= args.length);
  if (beyond !== undefined)
    throw new TsumugiError('Invalid', `sensitive: there is no argument ${beyond}, only ${args.length}`, { field: 'sensitive' });
  const bytes = Buffer.byteLength(JSON.stringify(args));
  if (bytes > maxArgumentBytes)
    throw new TsumugiError('TooLarge', `the arguments have ${Math.ceil(bytes / 1024)} KiB as JSON, at most ${maxArgumentBytes / 1024}`, {
      hint: 'store them elsewhere, and pass where',
    });
  const target = functions.resolve(namespace, call);
  const name = id ?? `runner-${randomBytes(16).toString('hex')}`;
  const spec: RunnerSpec = {
    ...target,
    args: args.map((value, position) => (sensitive.includes(position) ? null : value)),
    sensitive,
    settings: settings as RunnerSpec['settings'],
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    ...(queueTimeoutSeconds !== undefined && { queueTimeoutSeconds }),
  };
  const uid = uidOf(name);
  const job = target.function;
  const run = await jobs.run({
    uid,
    namespace,
    name,
    kind: 'runner',
    place: 'pods',
    job,
    labels: labelsOf({ kind: 'runner', uid, name, job }),
    spec,
  });
  // After the record, by which it is found again and taken away; before anybody hears of the run.
  if (sensitive.length > 0 && run.endedAt === undefined) {
    const values = new Map(sensitive.map((position) => [position, args[position]]));
    await createOnce<Secret>(client, secrets, runnerSecret(run, values), uid);
  }
  return run;
}

/** The same name has the same uid: who asks twice, with the same id, gets the same run. */
export function uidOf(name: string): string {
  const hex = name.slice(-32);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

const guestRequest = z.strictObject({
  id: z
    .string()
    .regex(/^guest-runner-[0-9a-f]{32}$/)
    .optional(),
  manifests: z.array(z.unknown()).min(1).max(100),
  /** A RemoteCluster of the namespace; absent: the platform's own cluster. */
  cluster: z.string().min(1).max(253).optional(),
  queueTimeoutSeconds: seconds.optional(),
});

/** Starts a guest. Nothing is made where a name is taken already. */
export async function startGuest({ jobs, client }: RunnerRequestsOptions, namespace: string, body: unknown): Promise<Run> {
  const { id, manifests, cluster, queueTimeoutSeconds } = checked(guestRequest, body);
  const name = id ?? `guest-runner-${randomBytes(16).toString('hex')}`;
  const uid = uidOf(name);
  const objects =
    cluster === undefined
      ? await freeObjects(client, namespace, uid, manifests)
      : await inRemote(client, { namespace, name: cluster }, (remote) => {
          const theirs = `leave it out: in RemoteCluster "${cluster}" guests run in the namespace of its kubeconfig's context`;
          return freeObjects(remote.client, remote.namespace, uid, manifests, theirs);
        });
  const hidden = objects.filter(({ kind }) => kind === 'Secret');
  const spec: GuestSpec = {
    ...(cluster !== undefined && { cluster }),
    objects: objects.map((object) =>
      hidden.includes(object) ? { apiVersion: object.apiVersion, kind: object.kind, metadata: object.metadata } : object,
    ),
    ...(queueTimeoutSeconds !== undefined && { queueTimeoutSeconds }),
  };
  const labels = labelsOf({ kind: 'guest', uid, name, job: '' });
  const run = await jobs.run({ uid, namespace, name, kind: 'guest', place: 'pods', job: '', labels, spec });
  if (hidden.length > 0 && run.endedAt === undefined) await createOnce<Secret>(client, secrets, guestSecret(run, hidden), uid);
  return run;
}

/** Checked, and with names that nobody there has. */
async function freeObjects(
  client: KubeClient,
  namespace: string,
  uid: string,
  manifests: readonly unknown[],
  elsewhere?: string,
): Promise<readonly KubeObject[]> {
  const objects = guestObjects(namespace, manifests, elsewhere);
  const taken = await Promise.all(objects.map((object) => isTaken(client, object, uid)));
  const first = objects.find((_, position) => taken[position]);
  if (!first) return objects;
  throw new TsumugiError('Conflict', `there is a ${first.kind} "${first.metadata.name}" already in namespace ${namespace}`, {
    hint: 'guests keep their names: choose another, or delete what is there',
  });
}

/** What does not work there is the request's fault: it may name another cluster. */
async function inRemote<T>(home: KubeClient, key: RemoteKey, work: (remote: Remote) => Promise<T>): Promise<T> {
  try {
    return await useRemote(home, key, work);
  } catch (error) {
    if (!(error instanceof RemoteAway)) throw error;
    const reason = error.cause instanceof TsumugiError ? error.cause : undefined;
    throw new TsumugiError(reason?.code === 'NotFound' ? 'NotFound' : 'Invalid', reason?.message ?? error.message, {
      field: 'cluster',
      hint: reason?.hint ?? 'nothing was made; see: tsumugi get remoteclusters',
      cause: error,
    });
  }
}

async function isTaken(client: KubeClient, object: KubeObject, uid: string): Promise<boolean> {
  const { namespace = '', name } = object.metadata;
  try {
    return runOf(await client.get<KubeObject>(resourceOf(object), { namespace, name })) !== uid;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
