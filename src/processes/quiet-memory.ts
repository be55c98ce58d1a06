/**
 * Gives memory back in quiet moments. V8 collects when it needs room: what a start or a burst of work left behind would stay for hours in
 * a process that then has nothing to do, at the cost of everything else on the machine.
 */
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Above this share of its time the process has work to do, which a pause would delay. */
const quiet = 0.01;
/** Less than this is not worth the pause (40 ms in a small heap, 200 ms with ten thousand functions); bytes. */
const worth = 8 * 1024 * 1024;

type Collect = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/** V8's own collector, in the form that also returns the free pages. The flag is taken back: code caches are bound to the flags. */
function collector(): Collect {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  return gc;
}

/** Begins; the first collection comes in the first quiet moment. It looks every `lookMs`. Answers how to stop. */
export function giveMemoryBack(lookMs = 5_000): () => void {
  const collect = collector();
  let last = performance.eventLoopUtilization();
  let floor = 0;
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    if (utilization > quiet || process.memoryUsage().heapUsed < floor + worth) return;
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    floor = process.memoryUsage().heapUsed;
    // The pause itself is no work.
    last = performance.eventLoopUtilization();
  }, lookMs);
  timer.unref();
  return () => clearInterval(timer);
}
