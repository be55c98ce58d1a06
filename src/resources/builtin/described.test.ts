import { expect, test } from 'vitest';
import { resolve } from '../resolve.ts';
import { kinds, servedKinds } from '../kinds.ts';
import type { Structure } from '../structure.ts';
import { described, describedStructure } from './described.ts';
import descriptions from './descriptions.json' with { type: 'json' };
import { builtinStructures } from './structures.ts';

const fieldsOf = (structure: Structure | undefined): Readonly<Record<string, Structure>> =>
  structure?.type === 'object' ? structure.fields : {};

test('every description is of a type and a field that there is', () => {
  const { '*': _, ...types } = descriptions;
  const stray = Object.entries(types).flatMap(([ref, texts]) =>
    Object.hasOwn(builtinStructures, ref)
      ? Object.keys(texts)
          .filter((name) => name !== '' && !Object.hasOwn(fieldsOf(builtinStructures[ref]), name))
          .map((name) => `${ref}.${name}`)
      : [ref],
  );
  expect(stray).toEqual([]);
});

test('every kind is described, and each of its first fields', () => {
  for (const kind of servedKinds) {
    const structure = kind.structure.type === 'ref' ? describedStructure(kind.structure.ref) : described(kind.structure, {});
    expect(structure?.description, kind.kind).toBeTruthy();
    for (const [name, field] of Object.entries(fieldsOf(structure))) expect(field.description, `${kind.kind}.${name}`).toBeTruthy();
  }
});

/** Parts of built-in kinds in ours: described as far as there are words for those. */
const parts = new Set([
  'JobDefinition.spec.template.spec.template.spec.containers',
  'JobDefinition.spec.template.spec.template.spec.volumes',
  'Execution.spec.env',
]);

test('every field of our kinds is described, at any depth', () => {
  const bare = (structure: Structure, path: string): string[] => {
    if (structure.type === 'ref' || parts.has(path)) return [];
    const at = resolve(structure);
    if (at.type === 'list') return bare(at.items, path);
    return Object.entries(fieldsOf(at)).flatMap(([name, field]) => [
      ...(field.description ? [] : [`${path}.${name}`]),
      ...bare(field, `${path}.${name}`),
    ]);
  };
  expect(kinds.filter(({ origin }) => origin === 'custom').flatMap((kind) => bare(described(kind.structure, {}), kind.kind))).toEqual([]);
});
