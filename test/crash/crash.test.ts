/** kill -9 of any one process, or of all: the next state is consistent, and no process is left over. */
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { cleanUp, descendantsOf, eventually, startPlatform, survivors, type TestPlatform } from '../e2e/platform.ts';

afterEach(cleanUp);
afterAll(cleanUp);

/** Counts its calls: a new number is a new instance. */
const counter = 'let calls = 0; export default () => `${process.env.TSUMUGI_REVISION} ${++calls}`;';

function killAll(processes: readonly { readonly pid: number }[]): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It went with its parent.
    }
  }
}

async function counting(): Promise<TestPlatform> {
  const platform = await startPlatform();
  await platform.deploy('counter', counter);
  expect(await (await platform.fetch('/function/counter')).text()).toBe('counter-00001 1');
  return platform;
}

/** The next answer, whatever is restarted at the moment. */
async function nextAnswer(platform: TestPlatform): Promise<string> {
  let text = '';
  await eventually('the function answers', async () => {
    const response = await platform.fetch('/function/counter');
    text = await response.text();
    return response.status === 200;
  });
  return text;
}

describe('kill -9', () => {
  test('of a gateway: it is back, and the instance went on', async () => {
    const platform = await counting();
    const [gateway = 0] = platform.processes().gateways;
    process.kill(gateway, 'SIGKILL');
    await eventually('another gateway runs', () => platform.processes().gateways.some((pid) => pid !== gateway));
    expect(await nextAnswer(platform)).toBe('counter-00001 2');
    expect(await platform.stop()).toBe(0);
  });

  test('of the control plane: running functions answer meanwhile and afterwards, and new ones can be deployed', async () => {
    const platform = await counting();
    const { controlPlane } = platform.processes();
    process.kill(controlPlane, 'SIGKILL');
    expect(await (await platform.fetch('/function/counter')).text()).toBe('counter-00001 2');
    await eventually('another control plane runs', () => ![0, controlPlane].includes(platform.processes().controlPlane));
    await eventually('it takes a function', async () => (await platform.deploy('other', 'export default () => "other";'), true));
    await eventually('the gateway has heard of it', async () => (await (await platform.fetch('/function/other')).text()) === 'other');
    expect(await nextAnswer(platform)).toBe('counter-00001 3');
    expect(await platform.stop()).toBe(0);
  });

  test('of an instance: the next request gets another', async () => {
    const platform = await startPlatform();
    await platform.deploy('counter', 'let calls = 0; export default () => `${process.pid} ${++calls}`;');
    await (await platform.fetch('/function/counter')).text();
    const shims = descendantsOf(platform.pid).filter((each) => each.command.includes('node.cjs'));
    expect(shims.length).toBeGreaterThan(0);
    killAll(shims);
    expect(await nextAnswer(platform)).toMatch(/^\d+ 1$/);
    expect(await platform.stop()).toBe(0);
  });

  test('of the supervisor: nothing is left, not even a function that hangs; the data serves the next', async () => {
    const platform = await counting();
    await platform.deploy('hanging', 'export default () => { for (;;); }', '--timeout', '600');
    const hanging = platform.fetch('/function/hanging').catch((error: unknown) => error);
    await eventually('it hangs', async () =>
      /requests_in_flight\S* 1/.test(await (await fetch(platform.metrics, { headers: { connection: 'close' } })).text()),
    );
    const all = descendantsOf(platform.pid);
    await platform.kill();
    expect(await hanging).toBeInstanceOf(Error);
    await eventually('all processes are gone', () => survivors(all).length === 0);
    const next = await startPlatform({ data: platform.data });
    expect(await nextAnswer(next)).toBe('counter-00001 1');
    expect(await next.stop()).toBe(0);
  });

  test('of all at once: the next state is consistent', async () => {
    const platform = await counting();
    const all = descendantsOf(platform.pid);
    killAll(all);
    await eventually('all processes are gone', () => survivors(all).length === 0);
    const next = await startPlatform({ data: platform.data });
    expect(await nextAnswer(next)).toBe('counter-00001 1');
    await next.deploy('counter', counter.replace('++calls', '"new"'));
    expect(await nextAnswer(next)).toBe('counter-00002 new');
    expect(await next.stop()).toBe(0);
  });
});
