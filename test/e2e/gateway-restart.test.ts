/** A gateway that dies costs what it had under way, and nobody else: who connects meanwhile waits for the next one. */
import { request } from 'node:http';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { cleanUp, eventually, startPlatform, type TestPlatform } from './platform.ts';

let platform: TestPlatform | undefined;
afterEach(() => platform?.stop());
afterAll(cleanUp);

/** One request on a connection of its own: its status, or the code of its error. */
function ask(url: string): Promise<string> {
  return new Promise((resolve) => {
    const outgoing = request(url, { agent: false }, (answer) => {
      answer.resume().on('end', () => resolve(String(answer.statusCode)));
      answer.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message)).end();
  });
}

describe.each([1, 2])('with %i gateways', (count) => {
  it('no connection is refused while one is killed and comes back, and none is told to come again', async () => {
    platform = await startPlatform({ args: ['--gateways', String(count)] });
    const { gateway } = platform;
    const gateways = (): readonly number[] => platform?.processes().gateways ?? [];
    await platform.deploy('steady', 'export default () => "here";');
    const clients = 6;
    const kills = 3;
    const outcomes = new Map<string, number>();
    const over = new AbortController();
    const client = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const outcome = await ask(`${gateway}/function/steady`);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    };
    const all = Array.from({ length: clients }, client);
    for (let kill = 0; kill < kills; kill++) {
      const before = outcomes.get('200') ?? 0;
      const [pid = 0] = gateways();
      process.kill(pid, 'SIGKILL');
      await eventually('another has taken its place', () => {
        const now = gateways();
        return now.length === count && !now.includes(pid) && (outcomes.get('200') ?? 0) > before + 3 * clients;
      });
    }
    over.abort();
    await Promise.all(all);
    const { 200: answered = 0, ECONNRESET: lost = 0, ...others } = Object.fromEntries(outcomes);
    expect(others).toEqual({});
    expect(answered).toBeGreaterThan(kills * clients);
    // What was under way on the one that died.
    expect(lost).toBeLessThanOrEqual(kills * clients);
  });
});
