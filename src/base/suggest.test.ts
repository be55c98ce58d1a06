import { expect, test } from 'vitest';
import { suggest } from './suggest.ts';

const names = ['functions', 'function', 'fn', 'runtimes', 'routes', 'pods', 'configmaps'];

test.each([
  ['functoins', 'functions'],
  ['route', 'routes'],
  ['pdos', 'pods'],
  ['configmap', 'configmaps'],
  ['Functions', 'functions'],
])('%s was probably meant as %s', (word, meant) => {
  expect(suggest(word, names)).toBe(meant);
});

test('what is near nothing gets no suggestion', () => {
  expect(suggest('deployments', names)).toBeUndefined();
  expect(suggest('x', [])).toBeUndefined();
  expect(suggest('x'.repeat(200), ['x'.repeat(199)])).toBeUndefined();
});
