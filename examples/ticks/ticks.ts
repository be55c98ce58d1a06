import { setTimeout as sleep } from 'node:timers/promises';
import type { Handler } from 'tsumugi/sdk';

// Each value is a line of its own (NDJSON) the moment it is there:
// curl -N 'http://127.0.0.1:8080/function/ticks?count=5'
const ticks: Handler = async function* (request, context) {
  const count = Number(new URL(request.url).searchParams.get('count') ?? 3);
  for (let tick = 1; tick <= count; tick += 1) {
    yield { tick, of: count };
    // Rejects when the client goes away: nothing runs for nobody.
    await sleep(100, undefined, { signal: context.signal });
  }
};

export default ticks;
