import { get } from 'node:http';
import { systemClock } from '../base/clock.ts';

/** How long a gateway may need to hear of what has just become Ready, before `up` says so all the same; ms. */
const patienceMs = 5_000;

/**
 * Resolves when the gateway at this URL says that it is ready: what `up` prints as ready must answer. Gives up after a while, or when
 * the signal comes.
 */
export async function gatewayReady(url: string, signal: AbortSignal): Promise<void> {
  const until = performance.now() + patienceMs;
  while (!signal.aborted && performance.now() < until) {
    if ((await statusOf(`${url}/readyz`)) === 200) return;
    await systemClock.sleep(10, signal).catch(() => undefined);
  }
}

function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    get(url, { agent: false }, (answer) => {
      answer.resume();
      answer.on('close', () => resolve(answer.statusCode));
    }).on('error', () => resolve(undefined));
  });
}
