import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TsumugiError } from '../../base/errors.ts';
import { silentLog } from '../../base/log.ts';
import type { Invocation, Invoker, InvokeRequest, ResponseSink } from '../../invoke/invoker.ts';
import type { FunctionEntry } from '../../invoke/projection.ts';
import type { Run, RunDesire, RunStore, Task } from '../../records/runs.ts';
import { openSqliteRuns } from '../../records/sqlite/runs.ts';
import { taskOf } from '../../wire/task.ts';
import { Bell } from '../bell.ts';
import type { RunControl, RunDriver } from '../driver.ts';
import { runEngine } from '../engine/engine.ts';
import type { ExecutionPlan } from '../model/plan.ts';
import { LeasedDriver } from './driver.ts';

interface Called {
  readonly request: InvokeRequest;
  readonly sink: ResponseSink;
  args: string;
  isAborted: boolean;
}

/** Instances whose calls are answered by the test. */
class HandInvoker implements Invoker {
  entry: FunctionEntry | undefined = {
    kind: 'function',
    namespace: 'default',
    name: 'squares',
    revision: 'squares-00001',
    revisionUid: 'r',
    concurrency: 100,
    maxInstances: 10,
    timeoutSeconds: 60,
    exports: ['squares'],
  };
  readonly calls: Called[] = [];
  spreadTo = 0;
  /** Answers at once, if set. */
  auto: ((call: Called) => void) | undefined;

  invoke(request: InvokeRequest, sink: ResponseSink): Invocation {
    const call: Called = { request, sink, args: '', isAborted: false };
    this.calls.push(call);
    queueMicrotask(() => this.auto?.(call));
    return {
      write: (chunk) => {
        call.args += chunk.toString();
        return true;
      },
      end: () => undefined,
      consumed: () => undefined,
      abort: () => (call.isAborted = true),
      sentAt: 1,
      queued: false,
    };
  }

  lookup(): FunctionEntry | undefined {
    return this.entry;
  }

  spread(_: string, instances: number): void {
    this.spreadTo = instances;
  }
}

const answer = (call: Called | undefined, value: unknown): void =>
  call?.sink.response('200\0content-type\0application/json', Buffer.from(JSON.stringify(value)), true);
const fail = (call: Called | undefined, code: 'HandlerError' | 'Busy' | 'Timeout' = 'HandlerError', message = 'no'): void =>
  call?.sink.failed(new TsumugiError(code, message));
const indexOf = ({ request }: Called): number => taskOf(request.headers.slice(1).split('\0'), 0)?.index ?? -1;

let folder: string;
let runs: RunStore;
let invoker: HandInvoker;
let bell: Bell;
let stop: () => Promise<void>;
/** That of the run that was driven last. */
let control: RunControl | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-leased-'));
  runs = openSqliteRuns(join(folder, 'records.db'));
  invoker = new HandInvoker();
  bell = new Bell();
  lead();
});
afterEach(async () => {
  await stop();
  await runs.close();
  rmSync(folder, { recursive: true });
});

function lead(): void {
  const stopping = new AbortController();
  const driver = new LeasedDriver({ runs, invoker });
  const drivers: RunDriver[] = [
    {
      place: driver.place,
      quota: (run) => driver.quota(run),
      drive: (run, given) => {
        control = given;
        return driver.drive(run, given);
      },
    },
  ];
  const done = runEngine({ runs, drivers, bell, signal: stopping.signal, pollMs: 20, log: silentLog });
  stop = async () => {
    stopping.abort();
    await done;
  };
}

async function execute(plan: Partial<ExecutionPlan> = {}): Promise<void> {
  const spec: ExecutionPlan = {
    taskCount: 1,
    parallelism: 2,
    maxRetries: 0,
    timeoutSeconds: 9,
    graceSeconds: 30,
    concurrencyPolicy: 'Allow',
    call: { function: 'squares', args: [] },
    ...plan,
  };
  await runs.insert([
    { uid: 'e', namespace: 'default', name: 'e', kind: 'execution', place: 'instances', job: 'j', spec, createdAt: Date.now() },
  ]);
  bell.ring('asked');
}
const found = async (): Promise<Run> => (await runs.get(['e']))[0] as Run;
const tasks = (): Promise<readonly Task[]> => runs.tasks('e', { limit: 99_999 });
/** Resolves when the driver has heard of it. */
const want = async (desired: RunDesire): Promise<void> => {
  await runs.want('e', desired);
  bell.ring('asked');
  await vi.waitFor(() => expect(control?.desired()).toBe(desired));
};
const ended = (): Promise<Run> =>
  vi.waitFor(async () => {
    const run = await found();
    expect(run.endedAt).toBeDefined();
    return run;
  });
const calls = (count: number): Promise<void> => vi.waitFor(() => expect(invoker.calls).toHaveLength(count));

test('each index is called once, with its place, and its result is kept', async () => {
  invoker.auto = (call) => answer(call, { square: indexOf(call) ** 2 });
  await execute({ taskCount: 500, parallelism: 8 });
  expect(await ended()).toMatchObject({
    status: 'succeeded',
    counts: { running: 0, succeeded: 500, failed: 0, cancelled: 0, retried: 0 },
    message: '500 of 500 tasks succeeded',
  });
  const all = await tasks();
  expect(all.map(({ result }) => result)).toEqual(Array.from({ length: 500 }, (_, index) => ({ square: index ** 2 })));
  expect(all[7]).toMatchObject({ index: 7, attempt: 0, status: 'succeeded', exitCode: 0, startedAt: expect.any(Number) });
  expect(invoker.calls.map(indexOf)).toEqual(Array.from({ length: 500 }, (_, index) => index));
  expect(invoker.calls[3]?.request).toMatchObject({
    function: 'default/squares',
    export: 'squares',
    requestId: 'e:3:0',
    timeoutMs: 9000,
    hasBody: false,
    headers: `\0:task\0["e","j",3,500,0]`,
  });
});

test('no more run at once than its parallelism', async () => {
  await execute({ taskCount: 3 });
  await calls(2);
  await vi.waitFor(async () => expect((await found()).counts).toMatchObject({ running: 2 }));
  answer(invoker.calls[1], null);
  await calls(3);
  await vi.waitFor(async () =>
    expect(await tasks()).toMatchObject([{ status: 'running' }, { status: 'succeeded', result: null }, { status: 'running' }]),
  );
});

test('what takes long is spread over instances', async () => {
  await execute({ taskCount: 3 });
  await vi.waitFor(() => expect(invoker.spreadTo).toBe(2));
});

test('an item is the last argument of its task', async () => {
  await execute({ taskCount: 2, items: [{ a: 1 }, null], call: { function: 'squares', args: ['x'] } });
  await calls(2);
  expect(invoker.calls.map(({ args }) => args)).toEqual(['["x",{"a":1}]', '["x",null]']);
});

test('a task that fails is tried again as often as it may, then the execution has failed', async () => {
  invoker.auto = (call) => (indexOf(call) === 1 ? fail(call, 'HandlerError', 'Error: broken') : answer(call, 'ok'));
  await execute({ taskCount: 3, maxRetries: 2 });
  expect(await ended()).toMatchObject({
    status: 'failed',
    reason: 'TasksFailed',
    message: '1 of 3 tasks failed',
    counts: { succeeded: 2, failed: 1, retried: 2 },
  });
  expect((await tasks())[1]).toMatchObject({ attempt: 2, status: 'failed', exitCode: 1, error: 'HandlerError: Error: broken' });
  expect(invoker.calls.filter((call) => indexOf(call) === 1).map(({ request }) => request.requestId)).toEqual(['e:1:0', 'e:1:1', 'e:1:2']);
});

test('what no instance began was no attempt', async () => {
  await execute({ maxRetries: 0 });
  await calls(1);
  fail(invoker.calls[0], 'Busy');
  await calls(2);
  answer(invoker.calls[1], 1);
  expect(await ended()).toMatchObject({ status: 'succeeded', counts: { retried: 0 } });
});

test('after a restart what has ended stays, and what ran is run again as the same attempt', async () => {
  await execute({ taskCount: 4, maxRetries: 1 });
  await calls(2);
  answer(invoker.calls[0], 'first');
  await calls(3);
  fail(invoker.calls[1]);
  await calls(4);
  await vi.waitFor(async () => expect((await tasks())[1]).toMatchObject({ attempt: 1 }));
  await stop();
  expect(invoker.calls[2]?.isAborted).toBe(true);
  expect((await found()).status).toBe('running');
  const before = invoker.calls.length;
  invoker.auto = (call) => answer(call, 'second');
  lead();
  expect(await ended()).toMatchObject({ status: 'succeeded', counts: { succeeded: 4, retried: 1 } });
  expect((await tasks()).map(({ result, attempt }) => `${result as string} ${attempt}`)).toEqual([
    'first 0',
    'second 1',
    'second 0',
    'second 0',
  ]);
  expect(
    invoker.calls
      .slice(before)
      .map(indexOf)
      .sort((a, b) => a - b),
  ).toEqual([1, 2, 3]);
});

test('a pause begins nothing more, and lets what runs end', async () => {
  await execute({ taskCount: 4 });
  await calls(2);
  await want('pause');
  answer(invoker.calls[0], 1);
  await vi.waitFor(async () => expect((await found()).counts).toMatchObject({ succeeded: 1, running: 1 }));
  expect(invoker.calls).toHaveLength(2);
  await want('run');
  await calls(3);
});

test('a cancelled execution waits for what runs, begins nothing more, and counts the rest as cancelled', async () => {
  await execute({ taskCount: 5 });
  await calls(2);
  await want('cancel');
  answer(invoker.calls[0], 1);
  answer(invoker.calls[1], 1);
  expect(await ended()).toMatchObject({ status: 'cancelled', reason: 'Cancelled', counts: { succeeded: 2, cancelled: 3, running: 0 } });
  expect(invoker.calls).toHaveLength(2);
});

test('what does not end in its grace is given up', async () => {
  await execute({ taskCount: 5, graceSeconds: 0 });
  await calls(2);
  await want('cancel');
  expect(await ended()).toMatchObject({ status: 'cancelled', counts: { cancelled: 5 } });
  expect(invoker.calls.map(({ isAborted }) => isAborted)).toEqual([true, true]);
  expect(await tasks()).toMatchObject([{ status: 'cancelled' }, { status: 'cancelled' }]);
});

test('a deadline ends it, however many are left', async () => {
  await execute({ taskCount: 5, deadlineSeconds: 0.05 });
  expect(await ended()).toMatchObject({ status: 'failed', reason: 'DeadlineExceeded', counts: { cancelled: 5, running: 0 } });
});

test('it waits for its function to be ready', async () => {
  const ready = invoker.entry as FunctionEntry;
  const { revision: _, revisionUid: _uid, ...unready } = ready;
  invoker.entry = { ...unready, unready: 'it is being built' };
  await execute();
  await vi.waitFor(async () => expect((await found()).admittedAt).toBeDefined());
  invoker.entry = ready;
  await calls(1);
});

test('a function that cannot be built ends it with the reason', async () => {
  const { revision: _, revisionUid: _uid, ...unready } = invoker.entry as FunctionEntry;
  invoker.entry = { ...unready, unready: 'line 3: no', unreadyCode: 'BuildFailed' };
  await execute();
  expect(await ended()).toMatchObject({ status: 'failed', reason: 'BuildFailed', message: expect.stringContaining('line 3') });
});

test('an export that is not there ends it with what there is', async () => {
  invoker.entry = { ...(invoker.entry as FunctionEntry), exports: ['a', 'b'] };
  await execute();
  expect(await ended()).toMatchObject({ status: 'failed', reason: 'NotFound', message: expect.stringContaining('which export') });
});

test('a result that is too large is a failure that says so', async () => {
  await execute();
  await calls(1);
  answer(invoker.calls[0], 'x'.repeat(300_000));
  expect(await ended()).toMatchObject({ status: 'failed' });
  expect((await tasks())[0]?.error).toContain('TooLarge');
});
