import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { TsumugiError } from '../base/errors.ts';
import { silentLog } from '../base/log.ts';
import { FrameType, INITIAL_CREDIT } from '../wire/protocol.ts';
import type { Invocation, InvokeRequest, ResponseSink } from './invoker.ts';
import type { ActivateRequest, FunctionEntry, InstanceEnd, InstanceEntry } from './projection.ts';
import { InstanceTable } from './table.ts';
import { type Arrived, TestInstance } from './testing/instance.ts';
import { silentPort } from './testing/silent-port.ts';

const hello: FunctionEntry = {
  kind: 'function',
  namespace: 'default',
  name: 'hello',
  revision: 'hello-00001',
  revisionUid: 'rev-1',
  concurrency: 10,
  maxInstances: 10,
  timeoutSeconds: 60,
  exports: [],
};

let table: InstanceTable;
let instances: TestInstance[];
let asked: ActivateRequest[];
let reported: string[];
let end: InstanceEnd;
let retries: string[];
let activate: (request: ActivateRequest, reserved: (entry: InstanceEntry) => void) => Promise<InstanceEntry>;

beforeEach(() => {
  instances = [];
  asked = [];
  reported = [];
  retries = [];
  end = {};
  activate = () => Promise.reject(new TsumugiError('NoInstance', 'none'));
  table = new InstanceTable({
    activator: {
      activate: (request, _, reserved) => {
        asked.push(request);
        return activate(request, reserved);
      },
      report: async (id, reason) => void reported.push(`${id} ${reason}`),
      endOf: async () => end,
    },
    log: silentLog,
    observer: { activated() {}, retried: (_, why) => retries.push(why) },
  });
});

afterEach(async () => {
  table.close();
  await Promise.all(instances.map((instance) => instance.close()));
});

async function instance(id: string, changes: Partial<InstanceEntry> = {}): Promise<TestInstance> {
  const one = await new TestInstance(id, changes).listen();
  instances.push(one);
  return one;
}

class Answer implements ResponseSink {
  head = '';
  body = Buffer.alloc(0);
  error: TsumugiError | undefined;
  drains = 0;
  invocation!: Invocation;
  #settle!: () => void;
  readonly settled = new Promise<void>((resolve) => (this.#settle = resolve));
  response(head: string, body: Buffer | undefined, end: boolean): void {
    this.head = head;
    this.data(body ?? Buffer.alloc(0), end);
  }
  data(chunk: Buffer, end: boolean): void {
    this.body = Buffer.concat([this.body, chunk]);
    if (end) this.#settle();
  }
  failed(error: TsumugiError): void {
    this.error = error;
    this.#settle();
  }
  drained(): void {
    this.drains++;
  }
  /** `200 text` or the error's code. */
  async outcome(): Promise<string> {
    await this.settled;
    return this.error ? this.error.code : `${this.head.split('\0')[0]} ${this.body.toString()}`;
  }
}

let ids = 0;
function invoke(changes: Partial<InvokeRequest> = {}): Answer {
  const answer = new Answer();
  const request: InvokeRequest = {
    function: 'default/hello',
    method: 'GET',
    target: '/',
    requestId: `r${++ids}`,
    traceparent: '',
    export: '',
    origin: 'http://localhost',
    headers: '\0accept\0*/*',
    hasBody: false,
    ...changes,
  };
  answer.invocation = table.invoke(request, answer);
  return answer;
}

test('a request reaches an instance with all it carries, and its answer comes back', async () => {
  const a = await instance('a');
  a.onRequest = (request) => request.respond('hi');
  table.put(hello);
  table.put(a.entry);
  const answer = invoke({ requestId: 'id-1', traceparent: 'trace', target: '/x?y' });
  expect(await answer.outcome()).toBe('200 hi');
  expect(a.arrived[0]!.fields).toEqual(['GET', '/x?y', 'id-1', 'trace', '60000', '', 'http://localhost', 'accept', '*/*']);
  expect(answer.invocation.queued).toBe(false);
});

test('the least loaded instance is taken, concurrency is kept, what is over waits its turn', async () => {
  const [a, b] = [await instance('a', { concurrency: 2 }), await instance('b', { concurrency: 2 })];
  table.put({ ...hello, maxInstances: 2 });
  table.put(a.entry);
  table.put(b.entry);
  const answers = Array.from({ length: 6 }, () => invoke());
  await a.until(() => a.arrived.length === 2);
  await b.until(() => b.arrived.length === 2);
  expect(table.waiting()).toBe(2);
  const order = answers.map((_, i) => `r${ids - 5 + i}`);
  a.arrived[0]!.respond();
  await a.until(() => a.arrived.length === 3);
  expect(a.arrived[2]!.requestId).toBe(order[4]);
  for (const request of [...a.arrived.slice(1), ...b.arrived]) request.respond();
  await Promise.race([a.until(() => a.arrived.length === 4), b.until(() => b.arrived.length === 3)]);
  for (const one of [a, b]) for (const request of one.arrived) if (request.requestId === order[5]) request.respond();
  expect(await Promise.all(answers.map((answer) => answer.outcome()))).toEqual(Array(6).fill('200 '));
  expect(asked).toEqual([]);
});

test('BUSY sends it elsewhere, GOAWAY too; nothing is lost', async () => {
  const [a, b] = [await instance('a'), await instance('b')];
  a.onRequest = (request) => request.busy();
  b.onRequest = (request) => request.respond('b');
  table.put(hello);
  table.put(a.entry);
  const first = invoke();
  await a.until(() => a.arrived.length > 0);
  table.put(b.entry);
  expect(await first.outcome()).toBe('200 b');
  expect(retries).toContain('busy');

  a.goAway();
  a.onRequest = (request) => request.respond('a');
  const seen = a.arrived.length;
  for (let i = 0; i < 20; i++) expect(await invoke().outcome()).toBe('200 b');
  expect(a.arrived.length).toBe(seen);
});

test('a connection that breaks before ACCEPTED moves the request with its body; after it, the caller hears InstanceExited', async () => {
  const [a, b] = [await instance('a'), await instance('b')];
  table.put(hello);
  table.put(a.entry);
  const body = Buffer.alloc(100_000, 'x');
  const lost = invoke({ method: 'POST', hasBody: true });
  lost.invocation.write(body.subarray(0, 60_000));
  await a.until(() => a.arrived[0]?.body.length === 60_000);
  b.onRequest = (request) => void b.until(() => request.ended).then(() => request.respond(String(request.body.length)));
  table.put(b.entry);
  a.breakConnections();
  await b.until(() => b.arrived.length === 1);
  lost.invocation.write(body.subarray(60_000));
  lost.invocation.end();
  expect(await lost.outcome()).toBe('200 100000');
  expect(retries).toEqual(['lost']);

  b.onRequest = (request) => {
    request.accept();
    b.breakConnections();
  };
  table.delete('instance', 'a');
  expect(await invoke().outcome()).toBe('InstanceExited');
  expect(b.arrived.length).toBe(2);
});

test('the caller of an instance that died hears why, where the control plane knows it', async () => {
  const a = await instance('a');
  table.put(hello);
  table.put(a.entry);
  a.onRequest = (request) => {
    request.accept();
    a.breakConnections();
  };
  end = { reason: 'OutOfMemory' };
  expect(await invoke().outcome()).toBe('OutOfMemory');
});

test('an instance that cannot be reached is no loss: another is asked for, and it comes back', async () => {
  const [a, b] = [await instance('a'), await instance('b')];
  b.onRequest = (request) => request.respond('b');
  activate = async () => b.entry;
  const address = a.entry.address;
  table.put(hello);
  table.put({ ...a.entry, address: `${address}-wrong` });
  expect(await invoke().outcome()).toBe('200 b');
  expect(asked[0]!.known).toEqual(['a']);
  table.put(a.entry);
  await a.until(() => a.connected === 1);
  a.breakConnections();
  await a.until(() => a.connected === 0);
  await a.until(() => a.connected === 1);
});

test('an instance on a node that is gone takes no connection: what was sent to it goes to another', async () => {
  const port = await silentPort();
  onTestFinished(() => port.close());
  const b = await instance('b');
  b.onRequest = (request) => request.respond('b');
  activate = async () => b.entry;
  table.put(hello);
  table.put({ ...b.entry, id: 'gone', address: port.address });
  expect(await invoke().outcome()).toBe('200 b');
  expect(retries).toEqual(['lost']);
  expect(asked[0]?.known).toEqual(['gone']);
});

test('it asks for no more instances than the waiting need, nor than the function may have', async () => {
  let release!: (entry: InstanceEntry) => void;
  activate = () => new Promise((resolve) => (release = resolve));
  table.put({ ...hello, concurrency: 4, maxInstances: 2 });
  const answers = [invoke()];
  expect(asked.length).toBe(1);
  for (let i = 0; i < 3; i++) answers.push(invoke());
  expect(asked.length).toBe(1);
  for (let i = 0; i < 40; i++) answers.push(invoke());
  expect(asked.length).toBe(2);
  expect(asked[0]).toEqual({ revisionUid: 'rev-1', namespace: 'default', revision: 'hello-00001', known: [] });
  const a = await instance('a', { concurrency: 4 });
  a.onRequest = (request) => request.respond('a');
  release(a.entry);
  expect(new Set(await Promise.all(answers.map((answer) => answer.outcome())))).toEqual(new Set(['200 a']));
  expect(answers[0]!.invocation.queued).toBe(true);
});

test('an instance for one request is left after it, and as one goes another is asked for at once', async () => {
  const spent = async (id: string): Promise<TestInstance> => {
    const one = await instance(id, { concurrency: 1, once: true });
    one.onRequest = (request) => {
      request.accept();
      request.respond(id);
    };
    return one;
  };
  const [a, b] = [await spent('a'), await spent('b')];
  const there = new Set<string>();
  let refused = 0;
  // As many as allowed, as the activator sees it: the one that has served goes a moment later.
  activate = ({ known }) => {
    if (there.size === 0) {
      there.add('a');
      return Promise.resolve(a.entry);
    }
    if (there.has('a')) {
      refused++;
      return Promise.reject(new TsumugiError('Busy', 'max reached', { retryAfterSeconds: 20 }));
    }
    expect(known).toEqual([]);
    there.add('b');
    return Promise.resolve(b.entry);
  };
  table.put({ ...hello, concurrency: 1, maxInstances: 1 });
  const answers = [invoke(), invoke()];
  table.put(a.entry);
  expect(await answers[0]!.outcome()).toBe('200 a');
  await expect.poll(() => refused).toBe(1);
  // The process ends: that it is gone for good is known here before the projection says it.
  await a.close();
  expect(refused).toBe(1);
  there.delete('a');
  there.add('gone');
  table.delete('instance', 'a');
  expect(await answers[1]!.outcome()).toBe('200 b');
  expect(a.arrived).toHaveLength(1);
  expect(retries).toEqual([]);
});

test("the queue is bounded: 429; what cannot be started fails all that wait, with the activator's reason", async () => {
  let fail!: (error: Error) => void;
  activate = () => new Promise((_, reject) => (fail = reject));
  table.put({ ...hello, maxInstances: 1 });
  const answers = Array.from({ length: 1001 }, () => invoke());
  expect(await answers[1000]!.outcome()).toBe('Busy');
  expect(answers[1000]!.error!.retryAfterSeconds).toBe(1);
  fail(new TsumugiError('LoadError', 'SyntaxError: no'));
  expect(new Set(await Promise.all(answers.slice(0, 1000).map((answer) => answer.outcome())))).toEqual(new Set(['LoadError']));
});

test('a start that took too long is told to those whose time is up with it; who came later gets another', async () => {
  const a = await instance('a');
  a.onRequest = (request) => request.respond('a');
  const starts: PromiseWithResolvers<InstanceEntry>[] = [];
  activate = () => {
    const start = Promise.withResolvers<InstanceEntry>();
    starts.push(start);
    return start.promise;
  };
  table.put({ ...hello, timeoutSeconds: 1 });
  const first = invoke();
  table.put(hello);
  const second = invoke();
  expect(starts).toHaveLength(1);
  starts[0]?.reject(new TsumugiError('Timeout', 'no pod within 29 s: no node has room'));
  expect(await first.outcome()).toBe('NoInstance');
  expect(first.error?.message).toContain('no node has room');
  expect(starts).toHaveLength(2);
  starts[1]?.resolve(a.entry);
  expect(await second.outcome()).toBe('200 a');
});

test('a reserved pod is connected to at once, and gets what waits when it greets, before the activator answers', async () => {
  const a = await instance('a');
  a.greets = false;
  a.onRequest = (request) => request.respond('a');
  const { promise, resolve } = Promise.withResolvers<InstanceEntry>();
  activate = (_, reserved) => {
    reserved(a.entry);
    return promise;
  };
  table.put(hello);
  const first = invoke();
  await expect.poll(() => a.connected).toBe(1);
  expect(a.arrived).toEqual([]);
  a.greet();
  expect(await first.outcome()).toBe('200 a');
  resolve(a.entry);
  expect(await invoke().outcome()).toBe('200 a');
  expect(a.connected).toBe(1);
});

test('a reserved pod that cannot load the code is left alone; one that could not be reached in time is connected to anew', async () => {
  const a = await instance('a');
  a.greets = false;
  activate = async (_, reserved) => {
    reserved(a.entry);
    await expect.poll(() => a.connected).toBe(1);
    throw new TsumugiError('LoadError', 'SyntaxError: no');
  };
  table.put(hello);
  expect(await invoke().outcome()).toBe('LoadError');
  await a.until(() => a.connected === 0);
  activate = async (_, reserved) => {
    reserved(a.entry);
    await expect.poll(() => a.connected).toBe(1);
    a.breakConnections();
    await a.until(() => a.connected === 0);
    a.greets = true;
    a.onRequest = (request) => request.respond('a');
    return a.entry;
  };
  expect(await invoke().outcome()).toBe('200 a');
});

test('a control plane that is away for a while costs nobody a request', async () => {
  const a = await instance('a');
  a.onRequest = (request) => request.respond('a');
  activate = async () => {
    if (asked.length < 3) throw new TsumugiError('Unavailable', 'away');
    return a.entry;
  };
  table.put(hello);
  expect(await invoke().outcome()).toBe('200 a');
});

test('what waits too long hears Busy if there are instances, NoInstance if there is none', async () => {
  const a = await instance('a', { concurrency: 1 });
  activate = () => Promise.reject(new TsumugiError('Busy', 'max reached', { retryAfterSeconds: 5 }));
  table.put({ ...hello, timeoutSeconds: 0.3 });
  expect(await invoke().outcome()).toBe('NoInstance');
  table.put(a.entry);
  // Longer than the second one waits, which would take its place else.
  table.put({ ...hello, timeoutSeconds: 2 });
  const first = invoke();
  await a.until(() => a.arrived.length === 1);
  table.put({ ...hello, timeoutSeconds: 0.3 });
  const second = invoke();
  a.arrived[0]!.accept();
  expect(await second.outcome()).toBe('Busy');
  expect(await first.outcome()).toBe('Timeout');
});

test('a time-out aborts the invocation; an instance that then answers no PING is reported and left alone until it is gone', async () => {
  const [a, b] = [await instance('a'), await instance('b')];
  table.put({ ...hello, timeoutSeconds: 0.2 });
  table.put(a.entry);
  const slow = invoke();
  await a.until(() => a.arrived.length === 1);
  a.arrived[0]!.accept();
  expect(await slow.outcome()).toBe('Timeout');
  await a.until(() => a.arrived[0]!.aborted === 'Timeout' && a.pings === 1);
  a.onRequest = (request) => request.respond('still here');
  expect(await invoke().outcome()).toBe('200 still here');
  expect(reported).toEqual([]);

  a.answersPing = false;
  a.onRequest = (request) => request.accept();
  expect(await invoke().outcome()).toBe('Timeout');
  await a.until(() => a.pings === 2);
  b.onRequest = (request) => request.respond('b');
  table.put(b.entry);
  for (let i = 0; i < 10; i++) expect(await invoke().outcome()).toBe('200 b');
  await expect.poll(() => reported, { timeout: 5000 }).toEqual(['a blocked']);
});

test('an instance that leaves a request unaccepted gets no more until it answers PING; they go to another', async () => {
  const a = await instance('a');
  const b = await instance('b');
  a.answersPing = false;
  b.onRequest = (request) => request.respond('b');
  activate = async () => b.entry;
  table.put(hello);
  table.put(a.entry);
  const stuck = invoke();
  await expect.poll(() => a.pings, { timeout: 5000 }).toBe(1);
  expect(await invoke().outcome()).toBe('200 b');
  expect(reported).toEqual([]);
  // It only computed for long: it accepts after all, and is used again.
  await a.until(() => a.arrived.length === 1);
  a.onRequest = (request) => request.respond('a');
  a.arrived[0]!.respond('late');
  expect(await stuck.outcome()).toBe('200 late');
  table.delete('instance', 'b');
  expect(await invoke().outcome()).toBe('200 a');
});

test('an instance under load, where something is unaccepted at every moment, is not asked and not given up', async () => {
  const a = await instance('a');
  const held: Arrived[] = [];
  // Accepts each only when the next has come.
  a.onRequest = (request) => {
    held.push(request);
    if (held.length > 1) held.shift()!.respond('a');
  };
  table.put(hello);
  table.put(a.entry);
  const answers = [];
  for (let i = 0; i < 30; i++) {
    answers.push(invoke());
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  held.shift()!.respond('a');
  expect(new Set(await Promise.all(answers.map((answer) => answer.outcome())))).toEqual(new Set(['200 a']));
  expect(a.pings).toBe(0);
});

test('what a hanging instance had not accepted when its time was up is answered by another', async () => {
  const a = await instance('a');
  const b = await instance('b');
  a.answersPing = false;
  b.onRequest = (request) => request.respond('b');
  activate = async () => b.entry;
  table.put({ ...hello, timeoutSeconds: 1 });
  table.put(a.entry);
  const accepted = invoke();
  await a.until(() => a.arrived.length === 1);
  const stuck = invoke();
  await a.until(() => a.arrived.length === 2);
  a.arrived[0]!.accept();
  await expect.poll(() => reported, { timeout: 8000 }).toEqual(['a blocked']);
  expect(await accepted.outcome()).toBe('Timeout');
  table.delete('instance', 'a');
  a.breakConnections();
  expect(await stuck.outcome()).toBe('200 b');
});

test('a caller that goes away: ABORT if it runs, nothing at all if it waits', async () => {
  const a = await instance('a', { concurrency: 1 });
  table.put({ ...hello, maxInstances: 1 });
  table.put(a.entry);
  const running = invoke();
  const waiting = invoke();
  const last = invoke();
  waiting.invocation.abort();
  await a.until(() => a.arrived.length === 1);
  running.invocation.abort();
  await a.until(() => a.arrived.length === 2);
  expect(a.arrived[0]!.aborted).toBe('Cancelled');
  a.arrived[1]!.respond('last');
  expect(await last.outcome()).toBe('200 last');
  expect(a.arrived.length).toBe(2);
});

test('bodies go by credit, both ways', async () => {
  const a = await instance('a');
  table.put(hello);
  table.put(a.entry);
  const answer = invoke({ method: 'PUT', hasBody: true });
  const chunk = Buffer.alloc(64 * 1024, 1);
  let wrote = 0;
  while (answer.invocation.write(chunk)) wrote++;
  expect(wrote * chunk.length).toBe(INITIAL_CREDIT);
  await a.until(() => a.arrived[0]?.body.length === INITIAL_CREDIT);
  const request = a.arrived[0]!;
  request.accept();
  request.credit(100_000);
  await a.until(() => request.body.length === INITIAL_CREDIT + 64 * 1024);
  answer.invocation.end();
  await a.until(() => request.ended);
  expect(answer.drains).toBe(1);

  request.send(FrameType.RESPONSE, 0, Buffer.from('\0\0\0\x03200'));
  for (let i = 0; i < 4; i++) request.send(FrameType.DATA, i === 3 ? 1 : 0, chunk.subarray(0, 40_000));
  await answer.settled;
  expect(answer.body.length).toBe(160_000);
  const more = invoke();
  await a.until(() => a.arrived.length === 2);
  a.arrived[1]!.send(FrameType.RESPONSE, 0, Buffer.from('\0\0\0\x03200'));
  a.arrived[1]!.send(FrameType.DATA, 0, chunk);
  await expect.poll(() => more.body.length).toBe(chunk.length);
  more.invocation.consumed(30_000);
  more.invocation.consumed(40_000);
  await a.until(() => a.credited === 70_000);
});

test('when the traffic moves to another revision, what waits moves with it; what runs is finished', async () => {
  const [old, fresh] = [await instance('old', { concurrency: 1 }), await instance('new', { revisionUid: 'rev-2' })];
  fresh.onRequest = (request) => request.respond('new');
  table.put({ ...hello, maxInstances: 1 });
  table.put(old.entry);
  const running = invoke();
  const waiting = invoke();
  await old.until(() => old.arrived.length === 1);
  table.put(fresh.entry);
  table.put({ ...hello, revision: 'hello-00002', revisionUid: 'rev-2' });
  expect(await waiting.outcome()).toBe('200 new');
  table.delete('instance', 'old');
  old.arrived[0]!.respond('old');
  expect(await running.outcome()).toBe('200 old');
  await old.until(() => old.connected === 0);
  table.delete('function', 'default/hello');
  expect(() => invoke()).toThrow('does not exist');
});

test('whatever instances do, an accepted request runs once and one that none accepted is answered', async () => {
  const moves = ['respond', 'respond', 'busy', 'break', 'accept and break'] as const;
  activate = () => new Promise(() => {}); // only the two that there are
  // A request that ten instances left is given up, so fewer than ten of them break here.
  const scripts = fc
    .array(fc.constantFrom(...moves), { minLength: 12, maxLength: 16 })
    .filter((script) => script.filter((move) => move.endsWith('break')).length < 10);
  await fc.assert(
    fc.asyncProperty(scripts, async (script) => {
      const pair = [await instance(`x${ids}`, { concurrency: 5 }), await instance(`y${ids}`, { concurrency: 5 })];
      const accepted = new Map<string, number>();
      const remaining = [...script];
      for (const one of pair) {
        one.onRequest = (request) => {
          const move = remaining.pop() ?? 'respond';
          if (move === 'busy') return request.busy();
          if (move === 'break') return one.breakConnections();
          accepted.set(request.requestId, (accepted.get(request.requestId) ?? 0) + 1);
          if (move === 'respond') return request.respond('ok');
          request.accept();
          one.breakConnections();
        };
        table.put(one.entry);
      }
      table.put({ ...hello, maxInstances: 2 });
      const answers = Array.from({ length: 30 }, () => invoke());
      const results = await Promise.all(answers.map((answer) => answer.outcome()));
      expect([...accepted.values()].filter((count) => count !== 1)).toEqual([]);
      expect(accepted.size).toBe(30);
      for (const result of results) expect(['200 ok', 'InstanceExited']).toContain(result);
      for (const one of pair) table.delete('instance', one.entry.id);
    }),
    { numRuns: 8 },
  );
});
