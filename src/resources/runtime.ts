/** Runtime: a language runtime, with its pools of warm, generic pods. */
import { z } from 'zod';
import { defineCustom, readyColumns, shortNameRule } from './custom.ts';
import type { KubeObject } from './object.ts';
import { image, imagePullSecrets, podResources } from './pod-fields.ts';
import { runtimes } from './resources.ts';
import { type Immutable, seconds } from './schema.ts';
import { statusFields } from './status-fields.ts';

const spec = z.strictObject({
  image: image.describe(
    "The image of its pods: `tsumugi/node` is this install's runtime for JavaScript, `tsumugi/binary` the one for programs.",
  ),
  imagePullSecrets: imagePullSecrets
    .optional()
    .describe("Secrets to pull the image with, of these names in each namespace with functions; besides the installation's."),
  poolSize: z.int().min(0).max(1000).default(3).describe('Warm pods that are kept for each namespace with functions.'),
  idleTimeoutSeconds: seconds(1, 86_400).optional().describe('How long an instance without work is kept, for functions that do not say.'),
  concurrency: z
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .describe('How many requests one instance answers at once, for functions that do not say.'),
  resources: podResources.optional().describe('Resources of each pod.'),
});

const status = z.strictObject({ ...statusFields });

export type RuntimeSpec = Immutable<z.output<typeof spec>>;
export type RuntimeStatus = Immutable<z.output<typeof status>>;

export interface RuntimeResource extends KubeObject {
  readonly spec: RuntimeSpec;
  readonly status?: RuntimeStatus;
}

export const runtimeKind = defineCustom<RuntimeResource>(runtimes, {
  singular: 'runtime',
  shortNames: ['rt'],
  description: 'A language runtime with its pool of warm pods.',
  spec,
  status,
  columns: [
    { name: 'Image', type: 'string', jsonPath: '.spec.image', description: 'The image of its pods.' },
    { name: 'Pool', type: 'integer', jsonPath: '.spec.poolSize', description: 'Warm pods for each namespace.' },
    ...readyColumns,
  ],
  rules: [shortNameRule],
});
