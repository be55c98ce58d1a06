import { expect, it } from 'vitest';
import { configMaps } from './contract/bench.contract.ts';
import type { KubeEvent } from '../resources/builtin/event.ts';
import { events } from '../resources/resources.ts';
import { EventRecorder } from './events.ts';
import { createHttpClient } from './http/client.ts';
import { closeAfterEach, maps, onTestEnd, openTestApi } from './testing/embedded.ts';
import { ScriptedServer, sendJson } from './testing/scripted-server.ts';

closeAfterEach();

it('writes an Event that belongs to its object', async () => {
  const { client } = await openTestApi();
  const map = await maps.create(client, 'a');
  const recorder = new EventRecorder(client, 'tsumugi-test');
  recorder.record(map, 'Warning', 'BuildFailed', 'unexpected token');
  await recorder.flush();
  const { items } = await client.list<KubeEvent>(events, {
    namespace: 'default',
    fieldSelector: `involvedObject.uid=${map.metadata.uid}`,
  });
  expect(items).toHaveLength(1);
  expect(items[0]).toMatchObject({
    involvedObject: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name: 'a', uid: map.metadata.uid },
    type: 'Warning',
    reason: 'BuildFailed',
    message: 'unexpected token',
    source: { component: 'tsumugi-test' },
    count: 1,
  });
});

it('counts repeats up, also while the first is being written, and after the Event is gone', async () => {
  const { client } = await openTestApi();
  const map = await maps.create(client, 'a');
  const recorder = new EventRecorder(client, 'tsumugi-test');
  const again = (n: number): void => {
    for (let i = 0; i < n; i++) recorder.record(map, 'Normal', 'Pulled', 'again');
  };
  const counts = async (): Promise<readonly number[]> =>
    (await client.list<KubeEvent>(events, { namespace: 'default' })).items.map((event) => event.count ?? 0).toSorted((a, b) => a - b);
  again(3);
  recorder.record(map, 'Normal', 'Pulled', 'another');
  await recorder.flush();
  expect(await counts()).toEqual([1, 3]);
  again(2);
  await recorder.flush();
  expect(await counts()).toEqual([1, 5]);

  const { items } = await client.list<KubeEvent>(events, { namespace: 'default' });
  for (const event of items) await client.delete(events, { namespace: 'default', name: event.metadata.name });
  again(1);
  await recorder.flush();
  expect(await counts()).toEqual([6]);
});

it('drops what nobody could write in time, but keeps counting what it knows', async () => {
  const { client } = await openTestApi();
  const map = await maps.create(client, 'a');
  const recorder = new EventRecorder(client, 'tsumugi-test', { host: 'here' });
  for (let n = 0; n < 300; n++) recorder.record(map, 'Warning', 'Odd', `the ${n}th`);
  recorder.record(map, 'Warning', 'Odd', 'the 0th');
  await recorder.flush();
  const { items } = await client.list<KubeEvent>(events, { namespace: 'default' });
  expect(items).toHaveLength(200);
  expect(items.find(({ message }) => message === 'the 0th')).toMatchObject({
    count: 2,
    source: { component: 'tsumugi-test', host: 'here' },
  });
});

it('never fails, whatever the server says', async () => {
  const server = await new ScriptedServer((_, response) =>
    sendJson(response, { kind: 'Status', status: 'Failure', reason: 'Forbidden', code: 403 }, 403),
  ).listen();
  const client = createHttpClient(server.connection());
  onTestEnd(async () => {
    client.close();
    await server.close();
  });
  const recorder = new EventRecorder(client, 'tsumugi-test');
  recorder.record({ apiVersion: 'v1', kind: configMaps.kind, metadata: { name: 'x' } }, 'Normal', 'Reason', 'message');
  await recorder.flush();
  expect(server.requests).toEqual(['POST /api/v1/namespaces/default/events']);
});

it('tells little of what happens to one object again and again, where it is to be sparing', async () => {
  const { client } = await openTestApi();
  const [one, other] = [await maps.create(client, 'one'), await maps.create(client, 'other')];
  let now = 1_000_000;
  const clock = { now: () => now, sleep: async () => undefined };
  const recorder = new EventRecorder(client, 'tsumugi-test', { sparing: true, clock });
  const told = async (): Promise<readonly string[]> => {
    await recorder.flush();
    const { items } = await client.list<KubeEvent>(events, { namespace: 'default' });
    return items.map(({ involvedObject, reason }) => `${involvedObject.name} ${reason}`).toSorted();
  };
  for (let n = 0; n < 60; n++) recorder.record(one, 'Normal', 'SuccessfulCreate', `Created pod: ${n}`);
  recorder.record(one, 'Normal', 'Completed', 'done');
  recorder.record(other, 'Normal', 'SuccessfulCreate', 'Created pod: x');
  const first = ['one Completed', ...Array.from({ length: 25 }, () => 'one SuccessfulCreate'), 'other SuccessfulCreate'];
  expect(await told()).toEqual(first);
  now += 299_000;
  recorder.record(one, 'Normal', 'SuccessfulCreate', 'too early');
  now += 1000;
  for (const message of ['in time', 'too much']) recorder.record(one, 'Normal', 'SuccessfulCreate', message);
  expect(await told()).toEqual([...first, 'one SuccessfulCreate'].toSorted());
});
