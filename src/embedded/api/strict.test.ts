import { expect, test } from 'vitest';
import { functionKind } from '../../resources/function.ts';
import type { KindDefinition } from '../../resources/kind.ts';
import { kindFor } from '../../resources/kinds.ts';
import { strictProblems } from './strict.ts';
import { Warnings } from './warnings.ts';

const configMaps = kindFor('', 'v1', 'configmaps') as KindDefinition;

test('of a built-in kind in JSON: in the order of the text, and nothing of what stands in an unknown field', () => {
  const json = '{"b":{"x":1,"x":2},"data":{"a":"1","a":"2"},"a":1,"b":2}';
  const found = strictProblems(configMaps, ['b', 'a'], { paths: ['b.x', 'data.a', 'b'], json });
  expect(found.errors).toEqual(['unknown field "b"', 'duplicate field "data.a"', 'unknown field "a"']);
  expect(found.warnings).toEqual(found.errors);
});

test('of YAML: by line, in one error and several warnings', () => {
  const lines = ['line 2: key "a" already set in map', 'line 3: key "b" already set in map'];
  expect(strictProblems(configMaps, ['z', 'y'], { paths: ['a', 'b'], lines })).toEqual({
    errors: [`yaml: unmarshal errors:\n  ${lines[0]}\n  ${lines[1]}`, 'unknown field "y"', 'unknown field "z"'],
    warnings: [...lines, 'unknown field "y"', 'unknown field "z"'],
  });
});

test('of ours: what stands twice, then what is unknown, of the metadata first', () => {
  const json = '{"a":1,"spec":{"b":1,"b":2},"metadata":{"z":1}}';
  expect(strictProblems(functionKind, ['spec.c', 'a', 'metadata.z'], { paths: ['spec.b'], json }).errors).toEqual([
    'duplicate field "spec.b"',
    'unknown field "metadata.z"',
    'unknown field "a"',
    'unknown field "spec.c"',
  ]);
});

test('warnings are said once, are cut when they are many, and end', () => {
  const warnings = new Warnings();
  warnings.add('a "quoted" text\u007f');
  warnings.add('a "quoted" text\u007f');
  expect(warnings.headers()).toEqual(['299 - "a \\"quoted\\" text"']);
  for (let index = 0; index < 100; index += 1) warnings.add(`${index}${'x'.repeat(1000)}`);
  const headers = warnings.headers();
  expect(headers.length).toBeLessThan(20);
  expect(Math.max(...headers.map(({ length }) => length))).toBe('299 - ""'.length + 256);
});
