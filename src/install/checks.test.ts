import { expect, test } from 'vitest';
import { checkVersion } from './checks.ts';

test.each(['v1.31.0', 'v1.36.3', 'v1.31.4-eks-a737599', 'v1.32.0-gke.100', 'v2.0.0'])('nothing is lost on %s', (version) => {
  expect(checkVersion(version)).toEqual([]);
});

test('below 1.31 it says what is lost, feature by feature', () => {
  expect(checkVersion('v1.30.14-gke.7')).toEqual([expect.stringContaining('--field-selector')]);
});

test('where the manifests would be refused, nothing is begun', () => {
  expect(() => checkVersion('v1.29.8')).toThrow(/v1\.29\.8 is too old: .*selectable fields.*preStop sleep/);
  expect(() => checkVersion('v1.24.0')).toThrow(/validation rules/);
});

test('the embedded cluster needs no installation', () => {
  expect(() => checkVersion('v1.36.3+tsumugi')).toThrow(/the platform is built in/);
});
