/**
 * The control plane dies after each of its writes in turn, the answer to the last one lost; the next one must come to the same state
 * as if nothing had happened: nothing made twice, nothing forgotten.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';

import type { KubeClient } from '../kube/client.ts';
import { ApiError } from '../resources/object.ts';
import { pods } from '../resources/resources.ts';
import type { Pod } from '../resources/builtin/pod-types.ts';
import { overriding } from './testing/client.ts';
import { eventually, invoke, TestPlatform } from './testing/platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

/** Passes on so many writes; the last of them is done, but nobody hears of it, and nothing is done afterwards. */
function dyingClient(client: KubeClient, writes: number): { client: KubeClient; died: Promise<void> } {
  let left = writes;
  const { promise: died, resolve: die } = Promise.withResolvers<void>();
  const guard = async <T>(write: () => Promise<T>): Promise<T> => {
    if (left-- > 0) {
      const answer = await write();
      if (left > 0) return answer;
    }
    die();
    throw new ApiError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'ServiceUnavailable', code: 503 });
  };
  const dying = overriding(client, {
    create: (...args) => guard(() => client.create(...args)),
    update: (...args) => guard(() => client.update(...args)),
    patch: (...args) => guard(() => client.patch(...args)),
    delete: (...args) => guard(() => client.delete(...args)),
  });
  return { client: dying, died };
}

const live = async (): Promise<readonly Pod[]> =>
  (await platform.client.list<Pod>(pods, { namespace: 'default' })).items.filter((pod) => !pod.metadata.deletionTimestamp);

const isGeneric = (pod: Pod): boolean => pod.metadata.labels?.['tsumugi.dev/revision'] === undefined;

const points = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

it.each(points)('after write %i', async (writes) => {
  const name = `crash-${writes}`;
  await platform.stopFunctions();
  const { client, died } = dyingClient(platform.client, writes);
  await platform.startFunctions({ client });
  await platform.inline(name, `export default () => 'one';`);
  // A gateway that goes on asking, as one would.
  const over = new AbortController();
  const ask = async (): Promise<void> => {
    if (over.signal.aborted) return;
    await platform.instance(name).catch(async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await ask();
    });
  };
  const asking = ask();
  await Promise.race([died, asking]);
  over.abort();
  await platform.stopFunctions();
  await asking;

  await platform.startFunctions();
  await platform.ready(name);
  const instance = await platform.instance(name);
  expect(await invoke(instance, '/')).toBe('one');
  expect(await platform.revisionNames(name)).toEqual([`${name}-00001`]);
  await platform.inline(name, `export default () => 'two';`);
  expect((await platform.ready(name)).status?.latestReadyRevision).toBe(`${name}-00002`);
  await eventually(async () =>
    expect((await live()).filter(isGeneric).map((pod) => pod.status?.phase)).toEqual(['Running', 'Running', 'Running']),
  );
});

it('and in the end only the newest revisions have instances', async () => {
  const revisionsOfPods = async (): Promise<string[]> =>
    (await live()).filter((pod) => !isGeneric(pod)).map((pod) => pod.metadata.labels?.['tsumugi.dev/revision'] ?? '');
  await eventually(async () => expect(new Set(await revisionsOfPods())).toEqual(new Set(points.map((writes) => `crash-${writes}-00002`))));
});
