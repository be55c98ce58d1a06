/** One pod of a pool as this process sees it. The pod is the authority on its claim; this is what it told us. */
import { label } from '../model/names.ts';
import { poolKeyOfPod } from '../model/pools.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import type { PodLink } from './link.ts';

/**
 * pending: starting, or not reached yet · generic: may be specialised · reserved: this controller or another is specialising it ·
 * serving: an instance · draining: takes no new work · gone
 */
export type MemberState = 'pending' | 'generic' | 'reserved' | 'serving' | 'draining' | 'gone';

/** Whose instance a pod is, and by which controller's word. */
export interface Claim {
  readonly revisionUid: string;
  readonly epoch: number;
}

export class Member {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly runtime: string;
  /** Key of the pool that it was made for. */
  readonly pool: string;
  /** In the order in which this replica takes pods: the least first. */
  readonly rank: string;
  /** The object as last seen. */
  pod: Pod;
  state: MemberState = 'pending';
  address: string | undefined;
  link: PodLink | undefined;
  /** Once it is taken by anybody. */
  claim: Claim | undefined;
  active = 0;
  served = 0;
  /** Milliseconds since 1970; meaningful while `active` is 0. */
  idleSince = Date.now();
  /** When it began to serve or to drain, milliseconds since 1970. */
  since = Date.now();
  /** A DRAIN is under way, so that nobody asks twice. */
  asking = false;

  constructor(pod: Pod, rank = '') {
    this.rank = rank;
    this.pod = pod;
    this.uid = pod.metadata.uid ?? '';
    this.namespace = pod.metadata.namespace ?? '';
    this.name = pod.metadata.name;
    this.runtime = pod.metadata.labels?.[label.runtime] ?? '';
    this.pool = poolKeyOfPod(pod);
  }
}

/** Whether its process has ended, or never will start again. */
export function hasEnded(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}
