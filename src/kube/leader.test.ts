import { describe, expect, it } from 'vitest';
import type { Lease } from '../resources/builtin/lease.ts';
import { leases } from '../resources/resources.ts';
import type { KubeClient } from './client.ts';
import { configMap, configMaps } from './contract/bench.contract.ts';
import { type Election, electLeader, type ElectionOptions, fenced, type Leadership } from './leader.ts';
import { closeAfterEach, onTestEnd, openTestApi } from './testing/embedded.ts';
import { ManualClock } from './testing/manual-clock.ts';

closeAfterEach();

const key = { namespace: 'default', name: 'boss' };

/** One contender: what it did, in words. */
interface Contender {
  readonly election: Election;
  readonly story: string[];
  /** The last time it led. */
  readonly leadership: () => Leadership;
}

function contend(client: KubeClient, clock: ManualClock, name: string, more: Partial<ElectionOptions> = {}): Contender {
  const story: string[] = [];
  let last: Leadership | undefined;
  const election = electLeader({
    client: counted(client),
    namespace: 'default',
    lease: 'boss',
    identity: name,
    clock,
    monotonic: () => clock.now(),
    onLeading: async (leadership) => {
      last = leadership;
      story.push(`leads ${leadership.epoch}`);
      await new Promise<void>((resolve) => leadership.signal.addEventListener('abort', () => resolve(), { once: true }));
      story.push('ended');
    },
    onLost: (error) => story.push(`lost: ${(error as Error & { code?: string }).code}`),
    ...more,
  });
  onTestEnd(() => election.stop());
  return { election, story, leadership: () => last ?? expect.unreachable() };
}

/** Requests under way: time goes on only when there are none. */
let underWay = 0;

function counted(client: KubeClient): KubeClient {
  const count = async <T>(call: Promise<T>): Promise<T> => {
    underWay += 1;
    return call.finally(() => (underWay -= 1));
  };
  return {
    ...fenced(client, { assertValid: () => undefined }),
    get: (resource, at) => count(client.get(resource, at)),
    create: (resource, object) => count(client.create(resource, object)),
    update: (resource, object) => count(client.update(resource, object)),
  };
}

/** Until all that goes on by itself has been done. */
async function settle(): Promise<void> {
  for (let quiet = 0; quiet < 5; quiet = underWay > 0 ? 0 : quiet + 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Time goes by in small steps. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let gone = 0; gone < ms; gone += 500) {
    await clock.advance(500);
    await settle();
  }
}

/** A server that cannot be reached by this client while `away`. */
function breakable(client: KubeClient): KubeClient & { away: boolean } {
  const broken = { away: false };
  const guard = <T>(call: () => Promise<T>): Promise<T> => (broken.away ? Promise.reject(new Error('no way to the server')) : call());
  const rest: KubeClient = {
    ...fenced(client, { assertValid: () => undefined }),
    get: (resource, at) => guard(() => client.get(resource, at)),
    update: (resource, object) => guard(() => client.update(resource, object)),
  };
  return Object.assign(broken, rest);
}

describe('leader election', () => {
  it('does not lead when it is told to stop while it takes the Lease, and leaves it to others', async () => {
    const { client } = await openTestApi();
    const clock = new ManualClock();
    const reached = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const slow: KubeClient = {
      ...fenced(client, { assertValid: () => undefined }),
      create: async (resource, object) => {
        reached.resolve();
        await go.promise;
        return client.create(resource, object);
      },
    };
    const a = contend(slow, clock, 'a');
    await reached.promise;
    const stopped = a.election.stop();
    go.resolve();
    await stopped;
    expect(a.story).toEqual([]);
    const b = contend(client, clock, 'b');
    await settle();
    expect(b.story).toEqual(['leads 2']);
  });

  it('elects the first, keeps it while it renews, and writes into the Lease who it is', async () => {
    const { client } = await openTestApi();
    const clock = new ManualClock();
    const a = contend(client, clock, 'a');
    await settle();
    const b = contend(client, clock, 'b');
    await pass(clock, 60_000);
    expect([a.story, b.story]).toEqual([['leads 1'], []]);
    expect(b.election.holder).toBe(a.election.identity);
    const { spec } = await client.get<Lease>(leases, key);
    expect(spec).toMatchObject({ holderIdentity: a.election.identity, leaseDurationSeconds: 15, leaseTransitions: 1 });
    expect(spec?.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(Date.parse(spec?.renewTime ?? '') - Date.parse(spec?.acquireTime ?? '')).toBeGreaterThan(50_000);
  });

  it('lets the next lead at the next try when the leader stops, after its work has ended', async () => {
    const { client } = await openTestApi();
    const clock = new ManualClock();
    const a = contend(client, clock, 'a');
    await settle();
    const b = contend(client, clock, 'b');
    await settle();
    await a.election.stop();
    expect(a.story).toEqual(['leads 1', 'ended']);
    expect((await client.get<Lease>(leases, key)).spec?.holderIdentity ?? '').toBe('');
    await pass(clock, 2500);
    expect(b.story).toEqual(['leads 2']);
  });

  it('may write until its work has ended in order, and not after', async () => {
    const { client } = await openTestApi();
    const finish = Promise.withResolvers<void>();
    const { election, leadership } = contend(client, new ManualClock(), 'a', {});
    const other = contend(client, new ManualClock(), 'b', { lease: 'other', onLeading: () => finish.promise });
    await settle();
    const mine = leadership();
    const led = other.election.leadership;
    const stopped = other.election.stop();
    expect(led?.signal.aborted).toBe(true);
    led?.assertValid();
    finish.resolve();
    await stopped;
    expect(() => led?.assertValid()).toThrow(/not surely the leader/);
    mine.assertValid();
    await election.stop();
    expect(() => mine.assertValid()).toThrow(/not surely the leader/);
  });

  it('counts no time that its own clock did not: a leader whose clock is wrong keeps the Lease', async () => {
    const { client } = await openTestApi();
    const clock = new ManualClock();
    const a = contend(client, clock, 'a', {
      clock: { now: () => clock.now() - 86_400_000, sleep: (ms, signal) => clock.sleep(ms, signal) },
    });
    await settle();
    const b = contend(client, clock, 'b');
    await pass(clock, 40_000);
    expect([a.story, b.story]).toEqual([['leads 1'], []]);
  });

  it('ends after the renew deadline when the server is away, before another takes over', async () => {
    const { client } = await openTestApi();
    const clock = new ManualClock();
    const line = breakable(client);
    const a = contend(line, clock, 'a');
    await settle();
    const b = contend(client, clock, 'b');
    await pass(clock, 4000);
    line.away = true;
    await pass(clock, 7000);
    expect(a.story).toEqual(['leads 1']);
    await pass(clock, 4000);
    expect([a.story, b.story]).toEqual([['leads 1', 'lost: Conflict', 'ended'], []]);
    await pass(clock, 12_000);
    expect(b.story).toEqual(['leads 2']);
  });

  it('goes on after the server was away for less than that', async () => {
    const { client } = await openTestApi();
    const clock = new ManualClock();
    const line = breakable(client);
    const a = contend(line, clock, 'a');
    await settle();
    line.away = true;
    await pass(clock, 7000);
    line.away = false;
    await pass(clock, 60_000);
    expect(a.story).toEqual(['leads 1']);
  });

  it('writes nothing any more after it was stopped for longer than the Lease, and hears of it', async () => {
    const { client } = await openTestApi();
    const [sleeper, clock] = [new ManualClock(), new ManualClock()];
    // The monotonic clock goes on while a process is stopped; its timers do not fire.
    let asleepMs = 0;
    const a = contend(client, sleeper, 'a', { monotonic: () => sleeper.now() + asleepMs });
    await settle();
    const safe = fenced(client, a.leadership());
    await safe.create(configMaps, configMap('default', 'before'));
    const b = contend(client, clock, 'b');
    await pass(clock, 20_000);
    expect(b.story).toEqual(['leads 2']);
    asleepMs = 20_000;
    // Awake again, before any timer: at once it is refused, though nobody has told it.
    expect(a.leadership().signal.aborted).toBe(false);
    for (const write of [
      () => safe.create(configMaps, configMap('default', 'after')),
      () => safe.update(configMaps, configMap('default', 'before', { a: 'b' })),
      () => safe.patch(configMaps, { namespace: 'default', name: 'before' }, { type: 'merge', body: { data: { a: 'b' } } }),
      () => safe.delete(configMaps, { namespace: 'default', name: 'before' }),
    ]) {
      await expect(write()).rejects.toMatchObject({ code: 'Conflict' });
    }
    expect((await safe.get(configMaps, { namespace: 'default', name: 'before' })).metadata.name).toBe('before');
    await pass(sleeper, 3000);
    expect(a.story).toEqual(['leads 1', 'lost: Conflict', 'ended']);
    expect((await client.get<Lease>(leases, key)).spec?.holderIdentity).toBe(b.election.identity);
  });

  it('leads no more when what it did was refused, though the answer to its renewal came a moment later', async () => {
    const { client } = await openTestApi();
    const clock = new ManualClock();
    let next: 'fails' | 'hangs' | 'works' = 'works';
    const held = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const slow: KubeClient = {
      ...fenced(client, { assertValid: () => undefined }),
      update: async (resource, object) => {
        if (next === 'fails') throw new Error('no way to the server');
        const updated = await client.update(resource, object);
        if (next === 'hangs') {
          held.resolve();
          await go.promise;
        }
        return updated;
      },
    };
    // What counts is the process's own clock; timers are late on a machine that is busy.
    let late = 0;
    const a = contend(slow, clock, 'a', { monotonic: () => clock.now() + late });
    await settle();
    expect(a.story).toEqual(['leads 1']);
    next = 'fails';
    await pass(clock, 7000);
    next = 'hangs';
    await Promise.all([held.promise, clock.advance(1000)]);
    late = 2500;
    expect(() => a.leadership().assertValid()).toThrow('not surely the leader');
    next = 'works';
    go.resolve();
    await settle();
    await pass(clock, 2000);
    expect(a.story).toEqual(['leads 1', 'lost: Conflict', 'ended']);
  });

  it('does not mind a label that somebody puts on the Lease', async () => {
    const { client } = await openTestApi();
    const clock = new ManualClock();
    const a = contend(client, clock, 'a');
    await settle();
    for (let n = 0; n < 5; n += 1) {
      await client.patch(leases, key, { type: 'merge', body: { metadata: { labels: { n: `${n}` } } } });
      await pass(clock, 4000);
    }
    expect(a.story).toEqual(['leads 1']);
  });

  it('leads no more when the Lease is deleted; the next epoch is higher all the same, by what the records know', async () => {
    const { client } = await openTestApi();
    const clock = new ManualClock();
    const a = contend(client, clock, 'a');
    await settle();
    await client.delete(leases, key);
    await pass(clock, 3000);
    expect(a.story).toEqual(['leads 1', 'lost: Conflict', 'ended']);
    const b = contend(client, clock, 'b', { epochFloor: async () => 41 });
    await settle();
    expect(b.story).toEqual(['leads 42']);
  });

  it('gives the Lease up when the work of the leader fails', async () => {
    const { client } = await openTestApi();
    const clock = new ManualClock();
    const a = contend(client, clock, 'a', { onLeading: () => Promise.reject(new Error('no database')) });
    await settle();
    expect(a.story).toEqual(['lost: undefined']);
    const b = contend(client, clock, 'b');
    await settle();
    expect(b.story).toEqual(['leads 2']);
  });

  it('elects exactly one of many that start at once', async () => {
    const { client } = await openTestApi();
    const clock = new ManualClock();
    const all = Array.from({ length: 5 }, (_, n) => contend(client, clock, `c${n}`));
    await pass(clock, 10_000);
    expect(all.flatMap(({ story }) => story)).toEqual(['leads 1']);
  });

  it.each([
    [{ leaseDurationSeconds: 0.5 }, 'leaseDurationSeconds'],
    [{ leaseDurationSeconds: 10 }, 'do not fit'],
    [{ renewDeadlineSeconds: 2 }, 'do not fit'],
    [{ retryPeriodSeconds: 0 }, 'do not fit'],
  ])('refuses times that cannot work: %j', async (times, message) => {
    const { client } = await openTestApi();
    expect(() => contend(client, new ManualClock(), 'a', times)).toThrow(message);
  });
});
