import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { silentLog } from '../../base/log.ts';
import { type EmbeddedApi, openEmbeddedApi } from '../../embedded/api/index.ts';
import type { ProjectionEvent } from '../../invoke/projection.ts';
import { Informer } from '../../kube/informer.ts';
import { functions } from '../../resources/resources.ts';
import type { FunctionResource } from '../../resources/function.ts';
import { eventually } from '../testing/platform.ts';
import { ProjectionFeed } from './feed.ts';
import { Readiness } from './readiness.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsumugi-ready-'));
const stopping = new AbortController();
let api: EmbeddedApi;
let informer: Informer<FunctionResource>;
let running: Promise<unknown>;
beforeEach(async () => {
  api = await openEmbeddedApi({ data: folder, listen: false });
  informer = new Informer<FunctionResource>(api.client, functions, { log: silentLog });
  running = informer.start(stopping.signal);
  await informer.synced();
});
afterEach(async () => {
  stopping.abort();
  await running;
  await api.close();
  rmSync(folder, { recursive: true });
});

const key = (name: string) => ({ namespace: 'default', name });
const create = (name: string): Promise<unknown> =>
  api.client.create(functions, {
    apiVersion: 'tsumugi.dev/v1',
    kind: 'Function',
    metadata: key(name),
    spec: { source: { inline: 'export default () => 1;' } },
  } as FunctionResource);
const tell = async (name: string, status: 'True' | 'False'): Promise<void> => {
  const Ready = { type: 'Ready', status, reason: 'Test', message: '', lastTransitionTime: '2026-01-01T00:00:00Z', observedGeneration: 1 };
  const body = { status: { observedGeneration: 1, conditions: [Ready] } };
  const written = await api.client.patch<FunctionResource>(functions, key(name), { type: 'merge', body }, { subresource: 'status' });
  await eventually(() => expect(informer.get(`default/${name}`)?.metadata.resourceVersion).toBe(written.metadata.resourceVersion));
};

it('comes when all functions are Ready, and stays when one fails later', async () => {
  const feed = new ProjectionFeed('test');
  const readiness = new Readiness(feed, informer, []);
  const waitingFor = async (): Promise<unknown> => {
    const over = new AbortController();
    let text = '';
    for await (const chunk of feed.subscribe(over.signal)) {
      text += chunk;
      if (text.includes('"synced"')) break;
    }
    const events = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as ProjectionEvent);
    const entry = events.find((event) => event.op === 'put')?.entry;
    return entry?.kind === 'platform' && (entry.ready ? 'ready' : entry.waitingFor);
  };
  expect(await waitingFor()).toBe('ready');
  readiness.waitFor(['default/one', 'default/two']);
  expect(await waitingFor()).toEqual(['default/one', 'default/two']);
  await create('one');
  await create('two');
  await tell('one', 'True');
  expect(await waitingFor()).toEqual(['default/two']);
  await tell('one', 'False');
  await tell('two', 'True');
  expect(await waitingFor()).toEqual(['default/one']);
  await tell('one', 'True');
  expect(await waitingFor()).toBe('ready');
  await tell('two', 'False');
  expect(await waitingFor()).toBe('ready');
  readiness.stop();
});
