import { expect, test } from 'vitest';
import { asTyped } from './program.ts';

test.each([
  ['  tsumugi deploy hello.ts', '  kubectl tsumugi deploy hello.ts'],
  ['`tsumugi logs a` or `tsumugi get fn`', '`kubectl tsumugi logs a` or `kubectl tsumugi get fn`'],
  ['see: tsumugi describe fn a', 'see: kubectl tsumugi describe fn a'],
  ['Usage: kubectl tsumugi get', 'Usage: kubectl tsumugi get'],
  ['kubectl -n tsumugi-system get pods', 'kubectl -n tsumugi-system get pods'],
  ['in ~/.tsumugi or tsumugi.dev/v1', 'in ~/.tsumugi or tsumugi.dev/v1'],
  ['the namespace tsumugi', 'the namespace tsumugi'],
])('%j is typed by a user of the plugin as %j', (text, typed) => {
  expect(asTyped(text, 'kubectl tsumugi')).toBe(typed);
  expect(asTyped(text, 'tsumugi')).toBe(text);
});
