/** How runners are asked for: what is wrong with a request is told before anything is kept of it. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { TsumugiError } from '../../base/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Run } from '../../records/runs.ts';
import type { Secret } from '../../resources/builtin/secret.ts';
import { secrets } from '../../resources/resources.ts';
import type { Jobs } from '../jobs.ts';
import { createOnce } from './api.ts';
import type { FunctionPods } from './function-pods.ts';
import { labelsOf } from './labels.ts';
import { runnerSecret } from './runner-objects.ts';
import type { RunnerSpec } from './specs.ts';

const seconds = z.number().positive().max(31_536_000);
const names = z.array(z.string().min(1).max(253)).max(64);
const amounts = z.strictObject({ cpu: z.union([z.string(), z.number()]).optional(), memory: z.union([z.string(), z.number()]).optional() });

export const runnerRequest = z.strictObject({
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
export function checked<T>(schema: z.ZodType<T>, value: unknown): T {
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
