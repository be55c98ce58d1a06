/** What was made while a scenario ran: nothing is to be made twice. */
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

/** Begins to count; the answer ends it. */
export function watchPods({ pods, sleeping }: FaultPlatform): (outcomes: readonly Outcome[]) => Made {
  const names = new Set(coldNames(sleeping));
  const before = new Set(pods.list().map(({ metadata }) => metadata.name));
  const made = new Set<string>();
  const instances = new Set<string>();
  const dismissed = new Set<string>();
  const stop = pods.on(({ type, object: { metadata, status } }) => {
    const name = metadata.labels?.['tsumugi.dev/function'];
    if (type === 'added' && !before.has(metadata.name)) made.add(metadata.name);
    if (type !== 'deleted' && name !== undefined && names.has(name)) instances.add(metadata.name);
    if (type === 'deleted' && name === undefined && !/Succeeded|Failed/.test(status?.phase ?? '')) dismissed.add(metadata.name);
  });
  return (outcomes) => {
    stop();
    const used = new Set(outcomes.map(({ signature }) => signature?.pod));
    const idle = [...instances].filter((pod) => !used.has(pod)).length;
    return { pods: made.size, instances: instances.size, idle, dismissed: dismissed.size };
  };
}
