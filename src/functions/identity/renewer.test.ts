/** Tokens of instances over the hours: a real API that issues them, a clock that the test owns. */
import { expect, it } from 'vitest';
import { silentLog } from '../../base/log.ts';
import { closeAfterEach, onTestEnd, openTestApi } from '../../kube/testing/embedded.ts';
import { ManualClock } from '../../kube/testing/manual-clock.ts';
import type { FunctionInput, FunctionResource } from '../../resources/function.ts';
import { functions } from '../../resources/resources.ts';
import type { RevisionResource } from '../../resources/revision.ts';
import type { Tokens } from '../../wire/protocol.ts';
import { Accounts } from './accounts.ts';
import { Callers } from './callers.ts';
import { type Bearer, renewTokens } from './renewer.ts';
import { gatewayAudience, Issuer, platformAudience } from './tokens.ts';

closeAfterEach();

async function world(permissions: FunctionInput['spec']['permissions']) {
  const { client } = await openTestApi();
  const object = (await client.create<FunctionInput>(functions, {
    apiVersion: 'tsumugi.dev/v1',
    kind: 'Function',
    metadata: { namespace: 'default', name: 'f' },
    spec: { source: { inline: 'export default () => 1' }, ...(permissions && { permissions }) },
  })) as FunctionResource;
  const accounts = new Accounts(client, false);
  const issuer = new Issuer({ client, accounts, endpoints: { platform: { url: 'x' }, kubernetes: { url: 'y' } }, lifetimeSeconds: 3600 });
  const revision = { metadata: { name: 'f-00001', uid: 'r' }, spec: { ...object.spec, function: 'f' } } as unknown as RevisionResource;
  const sent: Tokens[] = [];
  const pods: Bearer[] = [];
  const come = (uid: string): void =>
    void pods.push({
      uid,
      name: uid,
      revision,
      renew: (tokens) => {
        if (failing.delete(uid)) throw new Error('the pod is not connected');
        sent.push(tokens);
      },
    });
  const failing = new Set<string>();
  come('first');
  const clock = new ManualClock();
  const stop = new AbortController();
  const renewing = renewTokens(
    {
      bearers: () => pods,
      issuer,
      functionOf: () => object,
      clock,
      log: silentLog,
    },
    stop.signal,
  );
  onTestEnd(async () => {
    stop.abort();
    await renewing;
  });
  const minutes = async (count: number): Promise<void> => {
    for (let passed = 0; passed < count; passed += 1) {
      // It asks the API before it sleeps again.
      await expect.poll(() => clock.sleeping).toBe(1);
      await clock.advance(60_000);
    }
    await expect.poll(() => clock.sleeping).toBe(1);
  };
  return { client, sent, minutes, pods, come, failing };
}

it('come at once where nobody knows how old those are that it has, then each third of their life', async () => {
  const { sent, minutes, client } = await world({ store: true, manage: ['jobs'] });
  await minutes(0);
  expect(sent).toHaveLength(1);
  await minutes(19);
  expect(sent).toHaveLength(1);
  await minutes(41);
  expect(sent).toHaveLength(4);
  const [first] = sent as [Tokens];
  const account = { namespace: 'default', name: 'tsumugi-function-f' };
  expect(await new Callers(client, platformAudience).authenticate(first.platform)).toEqual({
    ...account,
    permissions: { store: true, manage: ['jobs'] },
  });
  expect(await new Callers(client, gatewayAudience).authenticate(first.gateway)).toMatchObject(account);
  expect(await new Callers(client, gatewayAudience).authenticate(first.platform)).toBeUndefined();
  expect(first.kubernetes).toEqual(expect.any(String));
});

it('come to whoever comes later at the next look, and again soon where they could not be sent', async () => {
  const { sent, minutes, come, failing } = await world({ store: true });
  await minutes(5);
  expect(sent).toHaveLength(1);
  come('second');
  failing.add('second');
  await minutes(1);
  expect(sent).toHaveLength(1);
  await minutes(1);
  expect(sent).toHaveLength(2);
  await minutes(10);
  expect(sent).toHaveLength(2);
});

it('do not come to code without permissions, nor to a pod that is gone', async () => {
  const none = await world(undefined);
  await none.minutes(60);
  expect(none.sent).toEqual([]);
  const left = await world({ store: true });
  await left.minutes(1);
  left.pods.length = 0;
  await left.minutes(60);
  expect(left.sent).toHaveLength(1);
});
