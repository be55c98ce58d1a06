/**
 * Random sequences of requests to a real API server and to ours: the same answers, objects, managers and events.
 *
 * `TSUMUGI_FUZZ_SECONDS`: how long; `TSUMUGI_FUZZ_SEED`: where to begin, by default the same place each time. `TSUMUGI_FUZZ_RESULT`
 * names a file: then it goes on after a difference and writes all there (`npm run soak`).
 */
import { writeFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBoth, type Both } from './differential/servers.ts';
import { compare } from './fuzz/compare.ts';
import { found } from './fuzz/found.ts';
import { sequences, type Sequence } from './fuzz/operations.ts';

const { TSUMUGI_TEST_KUBECONFIG: path, TSUMUGI_FUZZ_RESULT: result } = process.env;
const seconds = Number(process.env['TSUMUGI_FUZZ_SECONDS'] ?? 90);
const firstSeed = Number(process.env['TSUMUGI_FUZZ_SEED'] ?? 1);
/** Without a result to write, the same ones each time, however fast the machine is. */
const most = result ? Infinity : 600;
/** How long a smaller sequence that differs as well is looked for. */
const shrinkMs = 15_000;
const namespace = `fuzz-${process.pid}`;

interface Failure {
  readonly seed: number;
  readonly differences: readonly string[];
  /** The smallest sequence that still shows it. */
  readonly sequence: Sequence | undefined;
}

describe.runIf(path)('random sequences on a real API server and on ours', () => {
  let both: Both;
  beforeAll(async () => {
    both = await openBoth(path as string);
    await both.makeNamespace(namespace);
  });
  afterAll(() => both?.close());

  it.each(Object.entries(found))('what differed once: %s', async (_, sequence) => {
    expect(await compare(both, namespace, sequence)).toEqual([]);
  });

  it('agree', { timeout: seconds * 1000 + 120_000 }, async () => {
    const end = performance.now() + seconds * 1000;
    const failures: Failure[] = [];
    let operations = 0;
    let seed = firstSeed;
    const isDone = (): boolean => performance.now() >= end || seed - firstSeed >= most || (!result && failures.length > 0);
    for (; !isDone(); seed++) {
      let differences: readonly string[] = [];
      let shrunkUntil = Infinity;
      const property = fc.asyncProperty(sequences, async (sequence) => {
        if (performance.now() > shrunkUntil) return true;
        operations += sequence.operations.length;
        const differ = await compare(both, namespace, sequence);
        if (differ.length === 0) return true;
        differences = differ;
        if (shrunkUntil === Infinity) shrunkUntil = performance.now() + shrinkMs;
        return false;
      });
      const { failed, counterexample } = await fc.check(property, { seed, numRuns: 1 });
      if (failed) failures.push({ seed, differences, sequence: counterexample?.[0] });
    }
    const told = JSON.stringify({ sequences: seed - firstSeed, operations, seconds, firstSeed, failures }, undefined, 1);
    if (result) await writeFile(result, told);
    else console.log(`${seed - firstSeed} sequences of ${operations} operations`);
    expect(failures.length, told).toBe(0);
  });
});

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
