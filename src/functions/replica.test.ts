/** Two controllers on one API server: the pods arbitrate between them, and tell both. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { silentLog } from '../base/log.ts';
import { openFileBlobs } from '../records/files/blobs.ts';
import { revisions } from '../resources/resources.ts';
import type { RevisionResource } from '../resources/revision.ts';
import type { ActivateRequest } from '../invoke/projection.ts';
import { type Replica, startReplica } from './replica.ts';
import { eventually, invoke, TestPlatform } from './testing/platform.ts';

let platform: TestPlatform;
let second: Replica;
beforeAll(async () => {
  platform = await TestPlatform.start();
  second = await startReplica({
    client: platform.client,
    blobs: await openFileBlobs(join(platform.folder, 'blobs')),
    logs: platform.logs,
    store: platform.store,
    pki: join(platform.folder, 'pki'),
    addressOf: platform.node.addressOf,
    gatewayUrl: 'http://127.0.0.1:8080',
    endpoints: { platform: { url: 'https://127.0.0.1:6441' }, kubernetes: { url: 'https://127.0.0.1:6440' } },
    log: silentLog,
  });
});
afterAll(async () => {
  await second.stop();
  await platform.stop();
});

async function request(name: string): Promise<ActivateRequest> {
  const revision = await platform.client.get<RevisionResource>(revisions, { namespace: 'default', name: `${name}-00001` });
  return { revisionUid: revision.metadata.uid ?? '', namespace: 'default', revision: revision.metadata.name, known: [] };
}

/** Pods that the second one may take. */
const generic = (): number => [...second.fleet.members()].filter(({ state }) => state === 'generic').length;

it('an instance that one has made is known to the other as soon as it serves, with its token', async () => {
  await platform.inline('told', `export default () => 'told';`);
  await platform.ready('told');
  const { revisionUid } = await request('told');
  const instance = await platform.instance('told');
  await eventually(() => expect(second.fleet.instances(revisionUid).map(({ uid }) => uid)).toEqual([instance.id]));
  const [member] = second.fleet.instances(revisionUid);
  expect(second.keys.tokenFor(instance.id, member?.claim?.epoch ?? 0)).toBe(instance.token);
});

it('both want the same pod: one gets it, the other takes the next, and no pod is lost', async () => {
  await platform.inline('raced', `export default () => 'raced';`);
  await platform.ready('raced');
  const asked = await request('raced');
  await eventually(() => expect(generic()).toBeGreaterThan(1));
  const [first, other] = await Promise.all([platform.instance('raced'), second.activator.activate(asked)]);
  const ids = [first.id, other.uid].sort();
  expect(new Set(ids).size).toBe(2);
  expect(await invoke(first, '/')).toBe('raced');
  // Each knows both; a third ask starts nothing.
  await eventually(() => expect([...second.fleet.instances(asked.revisionUid)].map(({ uid }) => uid).sort()).toEqual(ids));
  expect((await platform.instance('raced', [first.id])).id).toBe(other.uid);
  for (const id of ids) expect([...second.fleet.members()].find(({ uid }) => uid === id)?.state).toBe('serving');
});
