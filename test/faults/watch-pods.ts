/** What was made while a scenario ran: nothing is to be made twice. */
import type { Pod } from '../../src/resources/builtin/pod-types.ts';
import { coldNames } from './functions.ts';
import type { Outcome } from './load.ts';
import type { FaultPlatform } from './platform.ts';

export interface Made {
  /** Pods that were made. */
  readonly pods: number;
  /** Pods that became instances of sleeping functions. */
  readonly instances: number;
  /** Of these, those that answered nothing. */
  readonly idle: number;
  /** Pods that went without having become an instance. */
  readonly dismissed: number;
}

/** The pool at some moment, of `performance.now()`. */
export interface PoolThen {
  /** Pods that had been ready for a while, and that nobody used. */
  readonly free: readonly string[];
  /** Pods that were made, and not yet ready, or not for long. */
  readonly coming: number;
}

/** All `performance.now()`; absent: not yet. */
interface Life {
  readonly madeAt: number;
  readyAt?: number;
  /** It had the label of a function. */
  takenAt?: number;
  goneAt?: number;
}

/** How long a controller may take to hear of a pod that is ready, and to reach it, on a machine that is busy. */
const reachMs = 5000;

/** Begins to count; the answer ends it. */
export function watchPods({ pods, sleeping, ledger }: FaultPlatform): (outcomes: readonly Outcome[]) => {
  readonly made: Made;
  readonly poolAt: (at: number) => PoolThen;
} {
  const lives = new Map<string, Life>();
  const names = new Set(coldNames(sleeping));
  const before = new Set(pods.list().map(({ metadata }) => metadata.name));
  const made = new Set<string>();
  const instances = new Set<string>();
  const dismissed = new Set<string>();
  const stop = pods.on(({ type, object: { metadata, status } }) => {
    const name = metadata.labels?.['tsumugi.dev/function'];
    if (type === 'added' && !before.has(metadata.name)) made.add(metadata.name);
    if (type !== 'deleted' && name !== undefined && names.has(name)) instances.add(metadata.name);
    const now = performance.now();
    const life: Life = lives.get(metadata.name) ?? { madeAt: now };
    lives.set(metadata.name, life);
    if (isReady(status)) life.readyAt ??= now;
    if (name !== undefined) life.takenAt ??= now;
    if (type === 'deleted' || metadata.deletionTimestamp || /Succeeded|Failed/.test(status?.phase ?? '')) life.goneAt ??= now;
    if (type === 'deleted' && name === undefined && !/Succeeded|Failed/.test(status?.phase ?? '')) dismissed.add(metadata.name);
  });
  return (outcomes) => {
    stop();
    const used = new Set(outcomes.map(({ signature }) => signature?.pod));
    const idle = [...instances].filter((pod) => !used.has(pod)).length;
    const poolAt = (at: number): PoolThen => {
      const there = [...lives].filter(([, { madeAt, goneAt = Infinity }]) => madeAt <= at && goneAt > at);
      const unused = there.filter(([pod, { takenAt = Infinity }]) => Math.min(takenAt, ledger.firstRunOf(pod) ?? Infinity) > at);
      const isReached = ([, { readyAt = Infinity }]: [string, Life]): boolean => readyAt < at - reachMs;
      const free = unused.filter(isReached).map(([pod]) => pod);
      return { free, coming: unused.length - free.length };
    };
    return { made: { pods: made.size, instances: instances.size, idle, dismissed: dismissed.size }, poolAt };
  };
}

const isReady = (status: Pod['status']): boolean =>
  status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
