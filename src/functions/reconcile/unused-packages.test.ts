import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

import { silentLog } from '../../base/log.ts';
import { Informer } from '../../kube/informer.ts';
import { closeAfterEach, onTestEnd, openTestApi } from '../../kube/testing/embedded.ts';
import { openFileBlobs } from '../../records/files/blobs.ts';
import type { FunctionInput, FunctionResource } from '../../resources/function.ts';
import { functions as functionResource, revisions as revisionResource } from '../../resources/resources.ts';
import type { RevisionResource } from '../../resources/revision.ts';
import { UnusedPackages } from './unused-packages.ts';

closeAfterEach();

const day = 24 * 3_600_000;

async function world() {
  const { client } = await openTestApi();
  const folder = await mkdtemp(join(tmpdir(), 'tsumugi-unused-'));
  onTestEnd(() => rm(folder, { recursive: true }));
  const blobs = await openFileBlobs(folder);
  const stop = new AbortController();
  const functions = new Informer<FunctionResource>(client, functionResource);
  const revisions = new Informer<RevisionResource>(client, revisionResource);
  const running = [functions.start(stop.signal), revisions.start(stop.signal)];
  onTestEnd(async () => {
    stop.abort();
    await Promise.all(running);
  });
  await Promise.all([functions.synced(), revisions.synced()]);
  let later = 0;
  const clock = { now: () => Date.now() + later, sleep: () => Promise.reject(new Error('not here')) };
  const fence = { scope: 'controllers', epoch: 2 };
  const packages = new UnusedPackages({ blobs, functions, revisions, fence, clock, log: silentLog });
  const upload = async (text: string): Promise<string> => (await blobs.put([Buffer.from(text)]))[0] ?? '';
  return {
    client,
    blobs,
    functions,
    revisions,
    packages,
    upload,
    pass: (ms: number) => (later += ms),
  };
}

it('removes at the second look what nobody names, and keeps what a Function or a Revision names', async () => {
  const { client, blobs, functions, revisions, packages, upload, pass } = await world();
  const [ofFunction, ofRevision, unused] = [await upload('one'), await upload('two'), await upload('three')];
  await client.create<FunctionInput>(functionResource, {
    apiVersion: 'tsumugi.dev/v1',
    kind: 'Function',
    metadata: { namespace: 'default', name: 'one' },
    spec: { source: { package: ofFunction } },
  });
  const spec = {
    function: 'two',
    source: { package: ofRevision },
    runtime: 'node',
    handler: 'default',
    timeoutSeconds: 60,
    concurrency: 1,
  };
  await client.create<RevisionResource>(revisionResource, {
    apiVersion: 'tsumugi.dev/v1',
    kind: 'Revision',
    metadata: { namespace: 'default', name: 'two-00001' },
    spec,
  });
  await expect.poll(() => functions.list().length + revisions.list().length).toBe(2);
  pass(day);
  expect(await packages.sweep()).toEqual([]);
  expect(await packages.sweep()).toEqual([unused]);
  expect(await blobs.has([ofFunction, ofRevision, unused])).toEqual([true, true, false]);

  await client.delete(revisionResource, { namespace: 'default', name: 'two-00001' });
  await expect.poll(() => revisions.list().length).toBe(0);
  expect(await packages.sweep()).toEqual([]);
  expect(await packages.sweep()).toEqual([ofRevision]);
});

it('keeps what was uploaded lately, also when the same was uploaded long ago', async () => {
  const { blobs, packages, upload, pass } = await world();
  const id = await upload('fresh');
  await packages.sweep();
  expect(await packages.sweep()).toEqual([]);
  // Its time has passed, and it is a suspect; then it is uploaded once more.
  pass(day);
  await packages.sweep();
  pass(-day);
  await upload('fresh');
  expect(await packages.sweep()).toEqual([]);
  expect(await blobs.has([id])).toEqual([true]);
});

it('gives what is named between two looks another chance', async () => {
  const { client, functions, packages, upload, pass } = await world();
  const id = await upload('late');
  pass(day);
  await packages.sweep();
  await client.create<FunctionInput>(functionResource, {
    apiVersion: 'tsumugi.dev/v1',
    kind: 'Function',
    metadata: { namespace: 'default', name: 'late' },
    spec: { source: { package: id } },
  });
  await expect.poll(() => functions.list().length).toBe(1);
  expect(await packages.sweep()).toEqual([]);
  expect(await packages.sweep()).toEqual([]);
});

it('removes nothing once a later leader has written', async () => {
  const { blobs, packages, upload, pass } = await world();
  const id = await upload('unused');
  pass(day);
  await packages.sweep();
  await blobs.delete([], { fence: { scope: 'controllers', epoch: 3 } });
  await expect(packages.sweep()).rejects.toMatchObject({ code: 'Conflict' });
  expect(await blobs.has([id])).toEqual([true]);
});
