import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TsumugiError } from '../../base/errors.ts';
import { silentLog } from '../../base/log.ts';
import type { NewRun, Run, RunDesire, RunStore } from '../../records/runs.ts';
import { openSqliteFences } from '../../records/sqlite/fences.ts';
import { openSqliteRuns } from '../../records/sqlite/runs.ts';
import { Bell } from '../bell.ts';
import type { RunControl, RunDriver } from '../driver.ts';
import { runEngine } from './engine.ts';

let folder: string;
let runs: RunStore;
let bell: Bell;
let stops: (() => Promise<void>)[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-engine-'));
  runs = openSqliteRuns(join(folder, 'records.db'));
  bell = new Bell();
  stops = [];
});
afterEach(async () => {
  for (const stop of stops) await stop();
  await runs.close();
  rmSync(folder, { recursive: true });
});

/** A driver whose runs end when the test says so. */
class HandDriver implements RunDriver {
  readonly place = 'pods';
  limit = 2;
  readonly begun: string[] = [];
  readonly held = new Map<string, { run: Run; control: RunControl; end: (error?: Error) => void }>();

  quota(): { scope: string; limit: number } {
    return { scope: 'all', limit: this.limit };
  }

  async drive(run: Run, control: RunControl): Promise<void> {
    this.begun.push(run.name);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const letGo = (): void => resolve();
    control.signal.addEventListener('abort', letGo, { once: true });
    this.held.set(run.name, { run, control, end: (error) => (error ? reject(error) : resolve()) });
    await promise;
  }

  async end(name: string, status: 'succeeded' | 'cancelled' = 'succeeded'): Promise<void> {
    const held = this.held.get(name);
    await held?.control.commit({ set: { status, endedAt: 5 } });
    held?.end();
  }
}

function lead(driver: RunDriver, more: object = {}): () => Promise<void> {
  const stopping = new AbortController();
  const done = runEngine({ runs, drivers: [driver], bell, signal: stopping.signal, pollMs: 20, log: silentLog, ...more });
  const stop = async (): Promise<void> => {
    stopping.abort();
    await done;
  };
  stops.push(stop);
  return stop;
}

const add = async (...names: readonly string[]): Promise<void> => {
  await runs.insert(names.map((name) => made(name)));
  bell.ring('asked');
};
const made = (name: string, more: Partial<NewRun> = {}): NewRun => ({
  uid: name,
  namespace: 'default',
  name,
  kind: 'runner',
  place: 'pods',
  job: '',
  spec: {},
  createdAt: 1,
  ...more,
});
const want = async (name: string, desired: RunDesire): Promise<void> => {
  await runs.want(name, desired);
  bell.ring('asked');
};
const statuses = async (): Promise<string[]> =>
  (await runs.list({ limit: 99 })).map(({ name, status }) => `${name} ${status}`).toReversed();

test('runs are given to the driver in order, as many as there is room for', async () => {
  const driver = new HandDriver();
  lead(driver);
  await add('a', 'b', 'c', 'd');
  await vi.waitFor(() => expect(driver.begun).toEqual(['a', 'b']));
  await driver.end('b');
  await vi.waitFor(() => expect(driver.begun).toEqual(['a', 'b', 'c']));
  expect(await statuses()).toEqual(['a queued', 'b succeeded', 'c queued', 'd queued']);
  expect((await runs.get(['c', 'd'])).map((run) => run?.admittedAt !== undefined)).toEqual([true, false]);
});

test('what was admitted is driven again after a restart, before anything new', async () => {
  const first = new HandDriver();
  const stop = lead(first);
  await add('a', 'b', 'c');
  await vi.waitFor(() => expect(first.begun).toEqual(['a', 'b']));
  await first.held.get('a')?.control.commit({ set: { status: 'running', memo: { job: 'made' } } });
  await stop();
  const second = new HandDriver();
  second.limit = 1;
  lead(second);
  await vi.waitFor(() => expect(second.begun).toEqual(['a', 'b']));
  expect(second.held.get('a')?.run).toMatchObject({ status: 'running', memo: { job: 'made' } });
  await second.end('a');
  await second.end('b');
  await vi.waitFor(() => expect(second.begun).toEqual(['a', 'b', 'c']));
});

test('each new status has one event, written with it', async () => {
  const driver = new HandDriver();
  lead(driver);
  await add('a');
  await vi.waitFor(() => expect(driver.begun).toEqual(['a']));
  const control = driver.held.get('a')?.control;
  await control?.commit({ set: { status: 'running', startedAt: 2 } });
  await control?.commit({ set: { status: 'running', message: 'still' } });
  await driver.end('a');
  const events = (await runs.events({ limit: 9 })).map(({ event }) => event as { type: string; data: object });
  expect(events.map(({ type }) => type)).toEqual(['dev.tsumugi.runner.running', 'dev.tsumugi.runner.succeeded']);
  expect(events[1]?.data).toEqual({ runnerId: 'a', status: 'succeeded' });
});

test('what is cancelled before its turn ends at once; what runs is told, and its driver ends it', async () => {
  const driver = new HandDriver();
  driver.limit = 1;
  lead(driver);
  await add('a', 'b');
  await vi.waitFor(() => expect(driver.begun).toEqual(['a']));
  const told: string[] = [];
  driver.held.get('a')?.control.onDesired((desired) => told.push(desired));
  await want('b', 'cancel');
  await want('a', 'cancel');
  await vi.waitFor(() => expect(told).toEqual(['cancel']));
  await driver.end('a', 'cancelled');
  await vi.waitFor(async () => expect(await statuses()).toEqual(['a cancelled', 'b cancelled']));
  expect(driver.begun).toEqual(['a']);
});

test('what is to be deleted is cancelled first, then gone', async () => {
  const driver = new HandDriver();
  lead(driver);
  await add('a', 'b');
  await vi.waitFor(() => expect(driver.begun).toEqual(['a', 'b']));
  await driver.end('b');
  await want('b', 'delete');
  await want('a', 'delete');
  await vi.waitFor(async () => expect(await statuses()).toEqual(['a queued']));
  await vi.waitFor(() => expect(driver.held.get('a')?.control.desired()).toBe('delete'));
  await driver.end('a', 'cancelled');
  await vi.waitFor(async () => expect(await statuses()).toEqual([]));
});

test('a paused run waits, and lets others pass', async () => {
  const driver = new HandDriver();
  driver.limit = 1;
  await add('a', 'b');
  await want('a', 'pause');
  lead(driver);
  await vi.waitFor(() => expect(driver.begun).toEqual(['b']));
  await want('a', 'run');
  await driver.end('b');
  await vi.waitFor(() => expect(driver.begun).toEqual(['b', 'a']));
});

test('a driver that fails tries again; what trying cannot mend ends the run', async () => {
  const driver = new HandDriver();
  lead(driver);
  await add('a', 'b');
  await vi.waitFor(() => expect(driver.begun).toEqual(['a', 'b']));
  driver.held.get('a')?.end(new TsumugiError('Unavailable', 'the API server is away'));
  driver.held.get('b')?.end(new TsumugiError('NotFound', 'there is no function "f"'));
  await vi.waitFor(() => expect(driver.begun).toEqual(['a', 'b', 'a']), { timeout: 5000 });
  await vi.waitFor(async () => expect(await statuses()).toEqual(['a queued', 'b failed']));
  expect((await runs.get(['b']))[0]).toMatchObject({ reason: 'NotFound', message: 'there is no function "f"' });
});

test('Forbid refuses a second run of the job, Replace ends the first', async () => {
  const driver = new HandDriver();
  driver.limit = 9;
  lead(driver);
  const of = (name: string, job: string, concurrencyPolicy: string): NewRun =>
    made(name, { kind: 'execution', job, spec: { concurrencyPolicy } });
  await runs.insert([of('a', 'one', 'Forbid'), of('b', 'two', 'Replace')]);
  await vi.waitFor(() => expect(driver.begun).toEqual(['a', 'b']));
  await runs.insert([of('c', 'one', 'Forbid'), of('d', 'two', 'Replace')]);
  await vi.waitFor(() => expect(driver.held.get('b')?.control.desired()).toBe('cancel'));
  await vi.waitFor(async () => expect(await statuses()).toEqual(['a queued', 'b queued', 'c cancelled', 'd queued']));
  expect((await runs.get(['c']))[0]).toMatchObject({ reason: 'ConcurrencyForbidden', message: expect.stringContaining('"a"') });
  await driver.end('b', 'cancelled');
  await vi.waitFor(() => expect(driver.begun).toEqual(['a', 'b', 'd']));
});

test('the end is told once for each run, also of those that never began', async () => {
  const driver = new HandDriver();
  driver.limit = 1;
  const ended: string[] = [];
  lead(driver, { ended: async ({ name }: Run) => void ended.push(name) });
  await add('a', 'b');
  await want('b', 'cancel');
  await vi.waitFor(() => expect(driver.begun).toEqual(['a']));
  await driver.end('a');
  await vi.waitFor(() => expect(ended.sort()).toEqual(['a', 'b']));
});

test('a leader whose time is over stops, and writes nothing', async () => {
  const fences = openSqliteFences(join(folder, 'records.db'));
  const driver = new HandDriver();
  const stop = lead(driver, { fence: { scope: 'controllers', epoch: 1 } });
  await add('a');
  await vi.waitFor(() => expect(driver.begun).toEqual(['a']));
  await fences.raise({ scope: 'controllers', epoch: 2 });
  await expect(driver.end('a')).rejects.toMatchObject({ code: 'Conflict' });
  await add('b');
  await stop();
  expect(await statuses()).toEqual(['a queued', 'b queued']);
  await fences.close();
});

test('who waits too long for its turn has failed, and is told once; one that is paused has time', async () => {
  const driver = new HandDriver();
  driver.limit = 1;
  const spec = { queueTimeoutSeconds: 7 };
  await runs.insert([made('a'), made('b', { spec, queueUntil: 5 }), made('c', { spec, queueUntil: 5 }), made('d', { queueUntil: 1e15 })]);
  await runs.want('c', 'pause');
  const ended: string[] = [];
  lead(driver, { ended: async ({ name }: Run) => void ended.push(name) });
  await vi.waitFor(async () => expect(await statuses()).toEqual(['a queued', 'b failed', 'c queued', 'd queued']));
  expect((await runs.get(['b']))[0]).toMatchObject({ reason: 'QueueTimeout', message: 'its turn did not come within 7 s' });
  await want('c', 'run');
  await vi.waitFor(async () => expect(await statuses()).toEqual(['a queued', 'b failed', 'c failed', 'd queued']));
  expect(ended).toEqual(['b', 'c']);
  const told = (await runs.events({ limit: 9 })).map(({ run, event }) => `${run} ${(event as { type: string }).type}`);
  expect(told).toEqual(['b dev.tsumugi.runner.failed', 'c dev.tsumugi.runner.failed']);
});

test('whose turn has come is not too late, whatever the time', async () => {
  const driver = new HandDriver();
  await runs.insert([made('a', { queueUntil: 5 })]);
  lead(driver);
  await vi.waitFor(() => expect(driver.begun).toEqual(['a']));
  expect(await statuses()).toEqual(['a queued']);
});

test('what goes with a run is dropped before it is forgotten', async () => {
  const forgotten: (readonly string[])[] = [];
  await runs.insert([made('a'), made('b')]);
  await runs.commit([{ uid: 'a', set: { status: 'failed', endedAt: 1 } }]);
  await runs.want('a', 'delete');
  lead(new HandDriver(), {
    forget: async (uids: readonly string[]) => {
      forgotten.push(uids);
      expect((await runs.get(['a']))[0]).toBeDefined();
      if (forgotten.length === 1) throw new Error('the disk is slow');
    },
  });
  await vi.waitFor(async () => expect(await statuses()).toEqual(['b queued']));
  expect(forgotten).toEqual([['a'], ['a']]);
});
