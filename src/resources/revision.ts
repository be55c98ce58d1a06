/** Revision: the immutable snapshot of a Function, made by the platform. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { defineCustom, readyColumns } from './custom.ts';
import { executionFields, executionRules, packageId } from './function.ts';
import type { KubeObject } from './object.ts';
import { revisions } from './resources.ts';
import { type Immutable, shortName } from './schema.ts';
import { statusFields } from './status-fields.ts';

const spec = z.strictObject({
  function: shortName.describe('The Function that this is a snapshot of.'),
  source: z.strictObject({ package: packageId }).describe('Where the code is.'),
  ...executionFields,
});

const status = z.strictObject({ ...statusFields });

export type RevisionSpec = Immutable<z.output<typeof spec>>;
export type RevisionStatus = Immutable<z.output<typeof status>>;

export interface RevisionResource extends KubeObject {
  readonly spec: RevisionSpec;
  readonly status?: RevisionStatus;
}

export const revisionKind = defineCustom<RevisionResource>(revisions, {
  singular: 'revision',
  shortNames: ['rev'],
  description: 'What a Function was at one time; never changes.',
  spec,
  status,
  columns: [
    { name: 'Function', type: 'string', jsonPath: '.spec.function', description: 'The Function that this is a snapshot of.' },
    ...readyColumns,
  ],
  rules: [
    {
      path: 'spec',
      cel: 'self == oldSelf',
      check: (now: object, old: object) => isDeepStrictEqual(now, old),
      message: 'a revision never changes',
      transition: true,
    },
    ...executionRules,
  ],
  selectableFields: ['spec.function'],
});
