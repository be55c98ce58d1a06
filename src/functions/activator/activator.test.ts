/** The activator's own decisions, with a fleet of pods that exist only in the table. */
import { describe, expect, it } from 'vitest';

import { TsumugiError } from '../../base/errors.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { Member } from '../fleet/member.ts';
import type { RevisionResource } from '../../resources/revision.ts';
import { InstanceActivator } from './activator.ts';

const revision = {
  metadata: { name: 'f-00001', namespace: 'n', uid: 'r' },
  spec: { function: 'f', concurrency: 1 },
} as unknown as RevisionResource;
const ask = { revisionUid: 'r', namespace: 'n', revision: 'f-00001' };

function setUp(max: number) {
  const serving: Member[] = [];
  const starts: PromiseWithResolvers<Member>[] = [];
  const told: string[] = [];
  const activator = new InstanceActivator({
    observer: { activated: (_, code) => told.push(`activated ${code}`), started: (_, code) => told.push(`started ${code}`) },
    fleet: { instances: () => serving } as unknown as Fleet,
    revision: async () => revision,
    maxInstances: () => max,
    start: () => {
      const start = Promise.withResolvers<Member>();
      starts.push(start);
      return start.promise;
    },
  });
  const pod = (uid: string): Member =>
    new Member({ apiVersion: 'v1', kind: 'Pod', metadata: { name: uid, uid }, spec: { containers: [] } });
  return {
    activator,
    starts,
    told,
    /** The oldest start under way succeeds. */
    succeed: (uid: string) => {
      const member = pod(uid);
      serving.push(member);
      starts.shift()?.resolve(member);
    },
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('asking for instances', () => {
  it('starts one for each ask, and beyond the greatest number shares what is under way', async () => {
    const { activator, starts, succeed } = setUp(2);
    const asks = [1, 2, 3].map(() => activator.activate({ ...ask, known: [] }));
    await turn();
    expect(starts).toHaveLength(2);
    succeed('a');
    succeed('b');
    expect((await Promise.all(asks)).map((member) => member.uid).sort()).toEqual(['a', 'a', 'b']);
  });

  it('gives one that the asker does not know before it starts another', async () => {
    const { activator, starts, succeed } = setUp(3);
    const first = activator.activate({ ...ask, known: [] });
    await turn();
    succeed('a');
    await first;
    expect((await activator.activate({ ...ask, known: ['x'] })).uid).toBe('a');
    expect(starts).toHaveLength(0);
  });

  it('is Busy when all there may be are known', async () => {
    const { activator, succeed } = setUp(1);
    const first = activator.activate({ ...ask, known: [] });
    await turn();
    succeed('a');
    await first;
    await expect(activator.activate({ ...ask, known: ['a'] })).rejects.toMatchObject({ code: 'Busy', retryAfterSeconds: 1 });
  });
});

describe('a revision that cannot be loaded', () => {
  it('costs no further pod for a while: the error is told again', async () => {
    const { activator, starts, told } = setUp(5);
    const first = activator.activate({ ...ask, known: [] });
    await turn();
    starts.shift()?.reject(new TsumugiError('LoadError', 'no luck'));
    await expect(first).rejects.toThrow('no luck');
    await expect(activator.activate({ ...ask, known: [] })).rejects.toThrow('no luck');
    expect(starts).toHaveLength(0);
    expect(told).toEqual(['started LoadError', 'activated LoadError', 'activated LoadError']);
  });

  it('is tried again at once after any other failure', async () => {
    const { activator, starts } = setUp(5);
    const first = activator.activate({ ...ask, known: [] });
    await turn();
    starts.shift()?.reject(new TsumugiError('NoInstance', 'no pod'));
    await expect(first).rejects.toThrow('no pod');
    const second = activator.activate({ ...ask, known: [] });
    await turn();
    expect(starts).toHaveLength(1);
    starts.shift()?.reject(new TsumugiError('NoInstance', 'again'));
    await expect(second).rejects.toThrow('again');
  });
});
