import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

import { readTar } from '../../build/tar.ts';
import { importCommand, importImages } from './import.ts';

it.each([
  ['kind-dev', ['kind', 'load', 'image-archive', 'x.tar', '--name', 'dev']],
  ['k3d-my-cluster', ['k3d', 'image', 'import', 'x.tar', '--cluster', 'my-cluster']],
  ['minikube', ['minikube', 'image', 'load', 'x.tar']],
  ['k3s', ['k3s', 'ctr', 'images', 'import', 'x.tar']],
])('knows the tool of the context %s', (context, expected) => {
  expect(importCommand(undefined, context)('x.tar')).toEqual(expected);
});

it.each([
  ['production', /the context "production" is of no cluster that is known/],
  [undefined, /there is no current kubeconfig context/],
])('says what to do for the context %s', (context, message) => {
  expect(() => importCommand(undefined, context)).toThrow(message);
});

it('gives the archive to the command that was named, arguments and all', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsumugi-import-'));
  await importImages([], importCommand(`cp --target-directory "${folder}"`, 'kind-ignored'));
  expect(Object.keys(readTar(readFileSync(join(folder, 'images.tar'))))).toEqual(['index.json', 'manifest.json', 'oci-layout']);
  rmSync(folder, { recursive: true });
});

it('says that the tool is missing, or what it said', async () => {
  await expect(importImages([], () => ['surely-no-such-tool'])).rejects.toThrow(
    /needs the program "surely-no-such-tool", which is not installed/,
  );
  await expect(importImages([], importCommand('echo no space left >&2; false', undefined))).rejects.toThrow(
    'the import failed: no space left',
  );
});
