/** What became of the requests of one scenario, and whether each that failed could have been saved. */
import type { Ledger } from './ledger.ts';
import type { Outcome } from './load.ts';
import type { PoolThen } from './watch-pods.ts';

/** What a fault has ended: what was in there at that moment is lost with it. */
export interface Killed {
  /** `performance.now()` just before the signal. */
  readonly at: number;
  /** `ip:port` of a gateway. */
  readonly gateway?: string;
  /** Name of a function's pod. */
  readonly pod?: string;
}

/** While no pod could be started, though pods were asked for: cold calls wait as long as they may, and are told so. */
export interface NoPods {
  readonly from: number;
  /** When they could be asked for again. */
  readonly back: number;
  /** When the first had been started again. */
  readonly to: number;
  /** Names of the pods that were in the pool at the beginning: each is there for a call. */
  readonly pool: readonly string[];
}

export interface Failed {
  readonly outcome: Outcome;
  /** In flight on what was killed, or without a pod while none could be started; absent: it should not have failed. */
  readonly because?:
    | 'in flight on the killed gateway'
    | 'in flight on the killed pod'
    | 'cold, told after 30 s in which Kubernetes started no pod for it';
  readonly ran: number;
  /** When it failed. */
  readonly pool: PoolThen;
}

export interface Verdict {
  readonly outcomes: readonly Outcome[];
  readonly failed: readonly Failed[];
  /** Ids that more than one instance, or one more than once, has begun. */
  readonly ranTwice: readonly string[];
  /** Pods of the pool that were there for those who were told that there is none. */
  readonly unused: readonly string[];
}

/** How much later than the signal what a process wrote before it may be read here. */
const deliveryMs = 100;
/** How long a request waits for a pod, less and more a little. */
const patienceMs = [28_000, 35_000] as const;
/** How long after they can be asked for again pods may still not have been asked for. */
const askMs = 5000;
/** How long those who were sent after the first pod had been started may wait behind those before them. */
const queueMs = 30_000;

export function judgeOutcomes(
  outcomes: readonly Outcome[],
  { killed, noPods }: { readonly killed: readonly Killed[]; readonly noPods?: NoPods },
  ledger: Ledger,
  poolAt: (at: number) => PoolThen,
): Verdict {
  const failed = outcomes
    .filter(({ failure }) => failure !== undefined)
    .map((outcome): Failed => {
      const ran = ledger.runs(outcome.id).length;
      const pool = poolAt(outcome.endedAt);
      const because = (noPods && wasTold(outcome, ran, noPods, pool)) ?? whatHadIt(outcome, killed, ledger);
      return { outcome, ran, pool, ...(because && { because }) };
    });
  const used = new Set(outcomes.map(({ signature }) => signature?.pod));
  const unused = failed.some(({ outcome: { kind } }) => kind === 'cold') ? (noPods?.pool ?? []).filter((pod) => !used.has(pod)) : [];
  return { outcomes, failed, ranTwice: outcomes.map(({ id }) => id).filter((id) => ledger.runs(id).length > 1), unused };
}

/**
 * It was sent before Kubernetes started pods again, or while others still waited for them, waited as long as it may, and was not begun;
 * when it was told, no pod was there that nobody used, and more had been asked for.
 */
function wasTold(
  { kind, failure, at, endedAt }: Outcome,
  ran: number,
  { from, back, to }: NoPods,
  { free, coming }: PoolThen,
): Failed['because'] {
  const [least, most] = patienceMs;
  const waitedInFull = endedAt - at > least && endedAt - at < most;
  if (kind !== 'cold' || failure !== '503 NoInstance' || ran > 0 || !waitedInFull || endedAt < from || at > to + queueMs) return undefined;
  const askedFor = coming > 0 || endedAt < back + askMs;
  return free.length === 0 && askedFor ? 'cold, told after 30 s in which Kubernetes started no pod for it' : undefined;
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
export function complaints({ failed, ranTwice, unused }: Verdict): readonly string[] {
  return [
    ...failed
      .filter(({ because }) => because === undefined)
      .map(({ outcome: { id, function: name, attempts, failure, message = '', at, endedAt }, ran, pool }) => {
        const way = attempts.map(({ gateway, sentAt }) => gateway + (sentAt === undefined ? ' (not taken)' : '')).join(', ');
        return `${id} ${name} by ${way}: ${failure} ${message}; after ${Math.round(endedAt - at)} ms, begun ${ran} times; ${pool.free.length} pods were free, ${pool.coming} on their way`;
      }),
    ...ranTwice.map((id) => `${id} was run twice`),
    ...unused.map((pod) => `${pod} was in the pool, and served nobody while cold calls were told that there is no pod`),
  ];
}
