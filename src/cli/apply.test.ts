import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { difference, readManifests } from './apply.ts';

describe('the patch that makes a manifest true', () => {
  test('says only what differs', () => {
    expect(difference({ spec: { a: 1, b: 2, server: 'default' } }, { spec: { a: 1, b: 3 } }, {})).toEqual({ spec: { b: 3 } });
    expect(difference({ spec: { a: 1 } }, { spec: { a: 1 } }, {})).toEqual({});
  });

  test('removes what the last apply said and this one does not, and nothing else', () => {
    const last = { spec: { a: 1, old: true, deep: { x: 1, y: 2 } } };
    const current = { spec: { a: 1, old: true, deep: { x: 1, y: 2 }, byOthers: 1 } };
    expect(difference(current, { spec: { a: 1, deep: { x: 1 } } }, last)).toEqual({ spec: { deep: { y: null }, old: null } });
  });

  test('what is gone already is not removed again', () => {
    expect(difference({ spec: {} }, { spec: {} }, { spec: { old: 1 } })).toEqual({});
  });

  test('lists are replaced as a whole', () => {
    expect(difference({ spec: { l: [1, 2] } }, { spec: { l: [1] } }, {})).toEqual({ spec: { l: [1] } });
  });
});

describe('manifests', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tsumugi-apply-'));
    writeFileSync(
      join(folder, 'b.yaml'),
      'apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: c}}\n---\n# nothing\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: d}\n',
    );
    writeFileSync(join(folder, 'a.json'), '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n"}}');
    writeFileSync(join(folder, 'notes.txt'), 'not a manifest');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('of a folder come in the order of the files, lists taken apart, empty documents left out', async () => {
    const objects = await readManifests([folder]);
    expect(objects.map((object) => `${object.kind}/${object.metadata.name}`)).toEqual(['Namespace/n', 'ConfigMap/c', 'Secret/d']);
  });

  test('an object without a name is refused with file and line', async () => {
    const file = join(folder, 'bad.txt');
    writeFileSync(file, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ok}\n---\napiVersion: v1\nkind: ConfigMap\n');
    await expect(readManifests([file])).rejects.toThrow(`${file}:5: an object needs apiVersion, kind and metadata.name`);
  });

  test('broken YAML is refused with its file', async () => {
    const file = join(folder, 'broken.txt');
    writeFileSync(file, 'a: [1,\nb: 2');
    await expect(readManifests([file])).rejects.toThrow(file);
  });
});
