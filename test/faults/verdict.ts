/** What became of the requests of one scenario, and whether each that failed could have been saved. */
import type { Ledger } from './ledger.ts';
import type { Outcome } from './load.ts';

/** What a fault has ended: what was in there at that moment is lost with it. */
export interface Killed {
  /** `performance.now()` just before the signal. */
  readonly at: number;
  /** `ip:port` of a gateway. */
  readonly gateway?: string;
  /** Name of a function's pod. */
  readonly pod?: string;
}

/** While no pod could be made, and while the queue of those who wait for one is worked off: cold calls may be told so, in time. */
export interface NoPods {
  readonly from: number;
  readonly to: number;
}

export interface Failed {
  readonly outcome: Outcome;
  /** In flight on what was killed, or without a pod while none could be made; absent: it should not have failed. */
  readonly because?: 'in flight on the killed gateway' | 'in flight on the killed pod' | 'cold, told that no pod could be had within 30 s';
  readonly ran: number;
}

export interface Verdict {
  readonly outcomes: readonly Outcome[];
  readonly failed: readonly Failed[];
  /** Ids that more than one instance, or one more than once, has begun. */
  readonly ranTwice: readonly string[];
}

/** How much later than the signal what a process wrote before it may be read here. */
const deliveryMs = 100;
/** How long a request waits for a pod at most, and a little. */
const patienceMs = 32_000;

export function judgeOutcomes(
  outcomes: readonly Outcome[],
  { killed, noPods }: { readonly killed: readonly Killed[]; readonly noPods?: NoPods },
  ledger: Ledger,
): Verdict {
  const failed = outcomes
    .filter(({ failure }) => failure !== undefined)
    .map((outcome): Failed => {
      const ran = ledger.runs(outcome.id).length;
      const { kind, failure, at, endedAt } = outcome;
      const isTold = kind === 'cold' && failure === '503 NoInstance' && ran === 0 && endedAt - at < patienceMs;
      const waited = noPods !== undefined && isTold && endedAt >= noPods.from && at <= noPods.to + patienceMs;
      const because = waited ? 'cold, told that no pod could be had within 30 s' : whatHadIt(outcome, killed, ledger);
      return { outcome, ran, ...(because && { because }) };
    });
  return { outcomes, failed, ranTwice: outcomes.map(({ id }) => id).filter((id) => ledger.runs(id).length > 1) };
}

function whatHadIt({ id, attempts, status, endedAt, failure = '' }: Outcome, killed: readonly Killed[], ledger: Ledger): Failed['because'] {
  const last = attempts.at(-1);
  const runs = ledger.runs(id);
  // Without an answer, or in the middle of one: the connection broke.
  const broke = status === undefined && /^(ECONNRESET|EPIPE)$/.test(failure);
  for (const { at, gateway, pod } of killed) {
    if (endedAt < at) continue;
    // It was sent on a connection to the process that was killed: its successor has others.
    if (gateway !== undefined && broke && last?.gateway === gateway && (last.connectedAt ?? Infinity) <= at)
      return 'in flight on the killed gateway';
    // It ran there, nowhere else, and was told so, or cut off after its answer had begun.
    const ranThere = pod !== undefined && runs.length === 1 && runs[0]?.pod === pod && runs[0].at <= at + deliveryMs;
    if (ranThere && (broke || /^502 (InstanceExited|OutOfMemory)$/.test(failure))) return 'in flight on the killed pod';
  }
  return undefined;
}

/** What should not have happened, a line for each: empty when all is well. */
export function complaints({ failed, ranTwice }: Verdict): readonly string[] {
  return [
    ...failed
      .filter(({ because }) => because === undefined)
      .map(({ outcome: { id, function: name, attempts, failure, message = '', at, endedAt }, ran }) => {
        const way = attempts.map(({ gateway, sentAt }) => gateway + (sentAt === undefined ? ' (not taken)' : '')).join(', ');
        return `${id} ${name} by ${way}: ${failure} ${message}; after ${Math.round(endedAt - at)} ms, begun ${ran} times`;
      }),
    ...ranTwice.map((id) => `${id} was run twice`),
  ];
}
