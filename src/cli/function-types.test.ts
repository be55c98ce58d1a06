import { expect, it } from 'vitest';
import { functionTypes } from './function-types.ts';

const of = (name: string, ...exports: string[]) => ({ name, file: `/app/functions/${name}.ts`, exports });

it('has each name that a runner may say, by the rule of the platform', () => {
  const { text, names, leftOut } = functionTypes(
    [of('math', 'add', 'shared'), of('text', 'shared'), of('fizz-buzz', 'default'), of('fizzbuzz', 'default', 'fizzbuzz')],
    '/app',
  );
  expect(names).toEqual(['add', 'fizzBuzz', 'fizzbuzz', 'text']);
  expect(leftOut).toEqual(['"shared" could be an export of several functions: math, text']);
  expect(text).toBe(`// Written by \`tsumugi types\`: the functions of this folder for a Runner. Do not edit.
import 'tsumugi/client';

declare module 'tsumugi/client' {
  interface RunnerFunctions {
    add: typeof import("./functions/math.ts")["add"];
    fizzBuzz: typeof import("./functions/fizz-buzz.ts")["default"];
    fizzbuzz: typeof import("./functions/fizzbuzz.ts")["fizzbuzz"];
    text: typeof import("./functions/text.ts")["shared"];
  }
}
`);
});
