/** What the definitions of our own kinds share. */
import type { z } from 'zod';
import { ageColumn, nameColumn } from './cells.ts';
import type { CrossFieldRule, KindDefinition, PrinterColumn } from './kind.ts';
import type { KubeObject, Resource } from './object.ts';
import { objectStructure } from './schema.ts';

interface Given {
  readonly singular: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  /** What it is, in a sentence: for `kubectl explain`. */
  readonly description: string;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  /** Between Name and Age. */
  readonly columns: readonly PrinterColumn[];
  readonly rules?: readonly CrossFieldRule[];
  readonly selectableFields?: readonly string[];
}

/** A kind of tsumugi.dev/v1: one schema for `spec`, one for `status`, and rules over several fields. */
export function defineCustom<T extends KubeObject>(resource: Resource, given: Given): KindDefinition<T> {
  const { description, spec, status, columns, ...rest } = given;
  return {
    ...resource,
    origin: 'custom',
    shortNames: [],
    rules: [],
    selectableFields: [],
    ...rest,
    categories: ['tsumugi', ...(given.categories ?? [])],
    structure: { ...objectStructure(spec, status), description },
    hasStatus: true,
    columns: [nameColumn, ...columns, ageColumn],
  };
}

/** How a condition stands, and why. */
export function conditionColumns(type: string, says = `Whether it is ${type}.`): readonly PrinterColumn[] {
  const at = `.status.conditions[?(@.type=="${type}")]`;
  return [
    { name: type, type: 'string', jsonPath: `${at}.status`, description: says },
    { name: 'Reason', type: 'string', jsonPath: `${at}.reason`, description: 'Why it is so.' },
  ];
}

/** Whether it works, and why. */
export const readyColumns = conditionColumns('Ready', 'Whether it works.');

/** Exactly one of the sibling fields is given: how `tsumugi.dev` writes a choice. */
export function exactlyOne(path: string, fields: readonly string[]): CrossFieldRule {
  return {
    path,
    cel: `[${fields.map((field) => `has(self.${field})`).join(', ')}].exists_one(given, given)`,
    check: (value: Readonly<Record<string, unknown>>) => fields.filter((field) => value[field] !== undefined).length === 1,
    message: `exactly one of ${fields.map((field) => `\`${field}\``).join(', ')} must be given`,
  };
}

/** A name that others are made of (revisions, pods, hosts): a DNS label of at most 40 characters. */
export const shortNameRule: CrossFieldRule = {
  path: '',
  cel: "self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$')",
  check: (object: KubeObject) => /^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/.test(object.metadata.name),
  message: "metadata.name must be a DNS label of at most 40 characters: lower case letters, digits and '-'",
};
