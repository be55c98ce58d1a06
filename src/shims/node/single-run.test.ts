import { expect, test } from 'vitest';
import { FrameType, type OwnRun, type Welcome } from '../../wire/protocol.ts';
import { signDrain } from '../../wire/seal.ts';
import type { Client } from './testing/client.ts';
import { bundleHandler, makeTar } from './testing/package.ts';
import { claim, platform, type Pod, seal } from './testing/pod.ts';
import { usePods } from './testing/pods.ts';

const newPod = usePods();

const fizzbuzz = `
  export const fizzbuzz = (n) => {
    console.log('looking at', n);
    return n % 15 === 0 ? 'FizzBuzz' : n % 5 === 0 ? 'Buzz' : n % 3 === 0 ? 'Fizz' : n;
  };
  export const fail = () => { throw new TypeError('no such thing'); };
  export const large = () => 'x'.repeat(300_000);
  export const who = () => process.env.TSUMUGI_RUNNER_ID;
  export const login = (user, password) => { console.log('with ' + password); process.stdout.write(password + '\\n'); return { password }; };
  export const later = () => { setTimeout(() => { throw new Error('nobody waits'); }); return new Promise(() => {}); };`;

const run = (name: string, ...args: unknown[]): OwnRun => ({ id: 'runner-0', export: name, args });

async function begin(pod: Pod, own: OwnRun, source = fizzbuzz): Promise<Client> {
  const { client, welcome } = await pod.connect();
  const head = claim(pod.uid, { run: own });
  expect(await client.specialize(seal(head, makeTar(await bundleHandler(source)), welcome))).toMatchObject({ ok: true });
  return client;
}

/** What the pod says of its run, once that is over. */
async function outcome(client: Client): Promise<Welcome['outcome']> {
  for (let seen = 0; ; seen++) {
    const welcome = JSON.parse(String(await client.frame(FrameType.WELCOME, seen))) as Welcome;
    if (welcome.outcome) return welcome.outcome;
  }
}

test('a run calls its export once, tells its log, keeps its result until it is taken, and ends with 0', async () => {
  const pod = await newPod();
  const client = await begin(pod, run('fizzbuzz', 15));
  expect(await outcome(client)).toEqual({ value: 'FizzBuzz' });
  client.close();
  // The platform was killed here: the next one asks again.
  const { client: next, welcome } = await pod.connect();
  expect(welcome).toMatchObject({ claim: { revisionUid: 'revision-1' }, outcome: { value: 'FizzBuzz' } });
  expect(await next.drain(signDrain(pod.uid, 0, platform))).toMatchObject({ drained: true });
  expect(await pod.exited).toEqual({ code: 0, signal: null });
  expect(pod.log()).toBe('Runner ID: runner-0\nfizzbuzz(15)\nlooking at 15\nResult: FizzBuzz\n');
});

test('what it throws is its outcome and the last of its log; it ends with 1', async () => {
  const pod = await newPod();
  const client = await begin(pod, run('fail'));
  expect(await outcome(client)).toMatchObject({ error: { name: 'TypeError', message: 'no such thing' } });
  await client.drain(signDrain(pod.uid, 0, platform));
  expect(await pod.exited).toEqual({ code: 1, signal: null });
  expect(pod.log()).toMatch(/^Runner ID: runner-0\nfail\(\)\nTypeError: no such thing\n +at fail .*hello\.ts:6/);
});

test.each([
  ['an export that is not there', run('other'), fizzbuzz, /there is no export "other"; the function exports fail, fizzbuzz/],
  ['code that cannot be loaded', run('x'), 'throw new Error("broken"); export const x = 1', /broken/],
  ['a result that is too large', run('large'), fizzbuzz, /the result has 293 KiB as JSON, at most 256 KiB are kept/],
  ['an error that nobody catches', run('later'), fizzbuzz, /nobody waits/],
])('%s fails it with the reason', async (_, own, source, reason) => {
  const pod = await newPod();
  const { error } = (await outcome(await begin(pod, own, source))) ?? {};
  expect(error?.message).toMatch(reason);
  expect(await pod.logged(reason)).toMatch(/^Runner ID: runner-0\n/);
});

test('it knows its id, and nothing sensitive is in its log', async () => {
  const first = await newPod();
  expect(await outcome(await begin(first, run('who')))).toEqual({ value: 'runner-0' });
  const pod = await newPod();
  const client = await begin(pod, { ...run('login', 'ada', 'correct horse'), sensitive: [1] });
  expect(await outcome(client)).toEqual({ value: { password: 'correct horse' } });
  expect(await pod.logged(/Result/)).toBe('Runner ID: runner-0\nlogin("ada", ***)\nwith ***\n***\nResult: {"password":"***"}\n');
});

test('SIGTERM ends it at once, where its call cannot hear of it', async () => {
  const pod = await newPod();
  await begin(pod, run('sleep'), 'export const sleep = () => { console.log("asleep"); return new Promise(() => {}); }');
  await pod.logged(/asleep/);
  pod.child.kill('SIGTERM');
  expect(await pod.exited).toEqual({ code: 1, signal: null });
  expect(pod.log()).toBe('Runner ID: runner-0\nsleep()\nasleep\nthe run was cancelled\n');
});

test('SIGTERM aborts its signal; it ends when the call has', async () => {
  const pod = await newPod();
  const source = `import { getContext } from 'tsumugi/sdk';
    export const wait = () => new Promise((resolve, reject) => {
      getContext().signal.addEventListener('abort', () => reject(getContext().signal.reason)); console.log('waiting');
    });`;
  const client = await begin(pod, run('wait'), source);
  await pod.logged(/waiting/);
  pod.child.kill('SIGTERM');
  expect(await pod.exited).toEqual({ code: 1, signal: null });
  expect(pod.log()).toMatch(/the run was cancelled/);
  await client.closed;
});
