import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { silentLog } from '../../base/log.ts';
import { Informer } from '../../kube/informer.ts';
import { closeAfterEach, onTestEnd, openTestApi } from '../../kube/testing/embedded.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import { pods as podResource } from '../../resources/resources.ts';
import { FrameConnection } from '../../wire/connection.ts';
import { FrameType, VERSION, type Welcome } from '../../wire/protocol.ts';
import { generatePodKey, generateSigningKey } from '../../wire/seal.ts';
import { label } from '../model/names.ts';
import { Fleet } from './fleet.ts';

closeAfterEach();

/** A pod's port that answers HELLO with all of these at once. */
async function podThatSays(...welcomes: readonly Welcome[]): Promise<string> {
  const server = createServer((socket) => {
    const connection = new FrameConnection(socket, { frame: () => undefined, closed: () => undefined });
    for (const welcome of welcomes) connection.send(FrameType.WELCOME, 0, 0, Buffer.from(JSON.stringify(welcome)));
    connection.flushNow();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestEnd(() => new Promise((resolve) => server.close(() => resolve())));
  return `tcp:127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('an instance whose code was loaded while it greeted serves, whichever word is looked at last', async () => {
  const { client } = await openTestApi();
  const metadata = { namespace: 'default', name: 'p', labels: { [label.runtime]: 'node' } };
  const spec = { containers: [{ name: 'function', image: 'tsumugi/node' }] };
  const made = await client.create<Pod>(podResource, { apiVersion: 'v1', kind: 'Pod', metadata, spec });
  await client.update<Pod>(podResource, { ...made, status: { phase: 'Running' } }, { subresource: 'status' });
  const pod = made.metadata.uid ?? '';
  const greeting = { version: VERSION, pod, key: generatePodKey().publicKey, claim: { revisionUid: 'r1', epoch: 1 }, draining: false };
  const address = await podThatSays({ ...greeting, loaded: false }, { ...greeting, loaded: true });

  const ended = new AbortController();
  const { signal } = ended;
  const pods = new Informer<Pod>(client, podResource);
  const fleet = new Fleet({ pods, key: generateSigningKey(), addressOf: () => address, log: silentLog, signal });
  const informed = pods.start(signal);
  onTestEnd(() => {
    ended.abort();
    return informed;
  });
  await pods.synced();
  await fleet.settled(5000);
  expect(fleet.instances('r1').map(({ name }) => name)).toEqual(['p']);
});
