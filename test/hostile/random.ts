/** Draws that are the same for the same seed: a red run names its case. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to `below` - 1. */
  int(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  }

  /** True once in `n` times. */
  once(n: number): boolean {
    return this.int(n) === 0;
  }

  of<T>(all: readonly T[]): T {
    return all[this.int(all.length)] as T;
  }
}

const given = process.env['TSUMUGI_SEED'] ?? '20261121';
/** As `test/setup/seeds.ts` has it. */
export const seed = given === 'random' ? Date.now() % 1_000_000_007 : Number(given);
/** Cases of one kind: all in CI, a part where a person waits. */
export const portion = (all: number): number => Number(process.env['TSUMUGI_HOSTILE'] ?? (process.env['CI'] ? all : Math.ceil(all / 10)));
