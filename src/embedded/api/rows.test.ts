import { expect, it } from 'vitest';
import { kinds } from '../../resources/kinds.ts';
import type { KubeObject } from '../../resources/object.ts';
import { encodeRow, objectOf } from './rows.ts';

const configMaps = kinds.find(({ kind }) => kind === 'ConfigMap')!;

it('is for those who have what was written the object that its text is read as', () => {
  const written = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'a', namespace: 'n', uid: 'u', resourceVersion: '3', labels: undefined, finalizers: [] },
    data: { __proto__: null, a: 'b', 'no such': undefined },
  } as unknown as KubeObject;
  const row = { resource: 'configmaps', namespace: 'n', name: 'a', revision: 7, ...encodeRow(configMaps, written, '[{"manager":"m"}]')(7) };
  const { made: _, ...read } = row;
  expect(JSON.stringify(objectOf(row))).toBe(JSON.stringify(objectOf(read)));
  expect(objectOf(row)).toEqual(objectOf(read));
  expect(objectOf(row).metadata.resourceVersion).toBe('7');
  expect(Object.keys(objectOf(row).metadata)).not.toContain('labels');
});
