/** Function: what the user writes. */
import { z } from 'zod';
import { defineCustom, exactlyOne, readyColumns, shortNameRule } from './custom.ts';
import { environmentFields, environmentRules } from './environment.ts';
import type { CrossFieldRule } from './kind.ts';
import type { KubeObject } from './object.ts';
import { permissionsField } from './permissions.ts';
import { podFields, podRules } from './pod-fields.ts';
import { functions } from './resources.ts';
import { type Immutable, seconds, shortName } from './schema.ts';
import { statusFields } from './status-fields.ts';

export const packageId = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/)
  .describe('An uploaded package: the sha256 of its tar.');

/** What a Function and its Revisions share, less the source. */
export const executionFields = {
  runtime: shortName.default('node').describe('The Runtime it runs on.'),
  handler: z
    .string()
    .max(253)
    .regex(/^[A-Za-z_$][A-Za-z0-9_$]*$/)
    .default('default')
    .describe('The export that answers requests.'),
  ...environmentFields,
  ...podFields,
  timeoutSeconds: seconds(1, 86_400).default(60).describe('How long one request may take.'),
  concurrency: z.int().min(1).max(10_000).optional().describe("How many requests one instance answers at once. Default: the runtime's."),
  reuse: z
    .enum(['always', 'never'])
    .optional()
    .describe('`never`: each request gets a pod of its own, which ends with it. Default: `always`.'),
  permissions: permissionsField.optional(),
};

/** Rules on them, each once for Functions and for Revisions. */
export const executionRules: readonly CrossFieldRule[] = [
  ...environmentRules,
  ...podRules,
  {
    path: 'spec',
    cel: "!has(self.reuse) || self.reuse != 'never' || !has(self.concurrency) || self.concurrency == 1",
    check: ({ reuse, concurrency }: { reuse?: string; concurrency?: number }) =>
      reuse !== 'never' || concurrency === undefined || concurrency === 1,
    message: '`concurrency` must be 1 or absent where `reuse` is `never`',
  },
];

const spec = z.strictObject({
  source: z
    .strictObject({
      inline: z
        .string()
        .min(1)
        .max(1_048_576)
        .optional()
        .describe('The source itself: one module in TypeScript or JavaScript, without relative imports.'),
      package: packageId.optional(),
    })
    .describe('Where the code is: exactly one of the fields.'),
  ...executionFields,
  scale: z
    .strictObject({
      min: z.int().min(0).max(1000).default(0).describe('Instances that are kept without traffic.'),
      max: z.int().min(1).max(1000).default(10).describe('Instances at most.'),
      idleTimeoutSeconds: seconds(1, 86_400).default(180).describe('How long an instance without work is kept.'),
    })
    .default({ min: 0, max: 10, idleTimeoutSeconds: 180 })
    .describe('How many instances there may be.'),
  visibility: z
    .enum(['public', 'private'])
    .default('public')
    .describe('`private`: every caller needs a token: that of the platform, or of an account of its namespace.'),
});

const status = z.strictObject({
  ...statusFields,
  url: z.string().optional().describe('Where it answers.'),
  observedDeployedAt: z.string().optional().describe('The annotation `tsumugi.dev/deployed-at` that this status takes into account.'),
  latestReadyRevision: z.string().optional().describe('The Revision that gets the traffic.'),
  exports: z.array(z.string()).optional().describe('Its named exports, which can be called.'),
});

export type FunctionSpec = Immutable<z.output<typeof spec>>;
export type FunctionStatus = Immutable<z.output<typeof status>>;

export interface FunctionResource extends KubeObject {
  readonly spec: FunctionSpec;
  readonly status?: FunctionStatus;
}

/** What a user writes: the server fills in what has a default. */
export interface FunctionInput extends KubeObject {
  readonly spec: Immutable<z.input<typeof spec>>;
}

export const functionKind = defineCustom<FunctionResource>(functions, {
  singular: 'function',
  shortNames: ['fn'],
  categories: ['all'],
  description: 'Code that answers requests: what it is, what it runs on, how it scales.',
  spec,
  status,
  columns: [
    ...readyColumns,
    { name: 'URL', type: 'string', jsonPath: '.status.url', description: 'Where it answers.' },
    {
      name: 'Revision',
      type: 'string',
      jsonPath: '.status.latestReadyRevision',
      priority: 1,
      description: 'The Revision that gets the traffic.',
    },
    { name: 'Runtime', type: 'string', jsonPath: '.spec.runtime', priority: 1, description: 'The Runtime it runs on.' },
  ],
  rules: [
    shortNameRule,
    exactlyOne('spec.source', ['inline', 'package']),
    ...executionRules,
    {
      path: 'spec.scale',
      cel: 'self.min <= self.max',
      check: ({ min, max }: { min: number; max: number }) => min <= max,
      message: '`min` must not be greater than `max`',
    },
  ],
});
