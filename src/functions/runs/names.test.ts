import { expect, test } from 'vitest';
import type { FunctionResource } from '../../resources/function.ts';
import { resolveCall } from './names.ts';

const fn = (name: string, ...exports: string[]): FunctionResource =>
  ({ metadata: { name, namespace: 'default' }, spec: {}, status: { exports } }) as unknown as FunctionResource;

const functions = [
  fn('math', 'add', 'fizzbuzz', 'shared'),
  fn('text', 'shared', 'upper'),
  fn('shared-box', 'sharedBox', 'add2'),
  fn('plain'),
  fn('only-one', 'one'),
  fn('two-of-a-kind', 'a', 'b'),
  fn('upper', 'upper', 'lower'),
];
const resolve = (name: string): unknown => resolveCall(functions, name);

test.each([
  ['fizzbuzz', { function: 'math', export: 'fizzbuzz' }],
  ['sharedBox', { function: 'shared-box', export: 'sharedBox' }],
  ['upper', { function: 'upper', export: 'upper' }],
  ['plain', { function: 'plain', export: 'default' }],
  ['onlyOne', { function: 'only-one', export: 'one' }],
  ['only-one', { function: 'only-one', export: 'one' }],
  ['text.shared', { function: 'text', export: 'shared' }],
  ['math.default', { function: 'math', export: 'default' }],
])('%s is found', (name, target) => {
  expect(resolve(name)).toEqual(target);
});

test.each([
  ['shared', 'Invalid', '"shared" could be an export of several functions: math, text', 'say which: run("math.shared", …)'],
  ['twoOfAKind', 'Invalid', 'the function "two-of-a-kind" has several exports: a, b', 'say which: run("two-of-a-kind.a", …)'],
  ['fizzbuz', 'NotFound', 'there is no function "fizzbuz", nor does any function export it', 'did you mean fizzbuzz?'],
  ['math.sub', 'NotFound', 'the function "math" has no export "sub"', 'it exports: add, fizzbuzz, shared'],
  ['maht.add', 'NotFound', 'function "maht" does not exist', 'did you mean math?'],
])('%s is refused', (name, code, message, hint) => {
  expect(() => resolve(name)).toThrow(expect.objectContaining({ code, message, hint }));
});
