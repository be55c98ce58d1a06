/** What the parts of the node share. */
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { BlankPool, ShimStarter } from './blank.ts';
import type { Isolation } from './isolation/isolation.ts';
import type { MemoryWatch } from './memory-watch.ts';
import type { ProcessTable } from './process-table.ts';
import type { Slots } from './slots.ts';
import type { ClaimFolders } from './volumes/claims.ts';

export interface NodeContext {
  readonly client: KubeClient;
  readonly runFolder: string;
  /** Folders of the host that no volume may lead to. */
  readonly hidden: readonly string[];
  readonly claims: ClaimFolders;
  readonly isolation: Isolation;
  readonly table: ProcessTable;
  readonly slots: Slots;
  readonly starter: ShimStarter;
  readonly memory: MemoryWatch;
  readonly recorder: EventRecorder;
  readonly log: Log;
  /** Image `tsumugi/NAME` -> bundle of its shim. */
  readonly shims: Readonly<Record<string, string>>;
  /** By bundle. */
  readonly blanks: ReadonlyMap<string, BlankPool>;
  readonly version: string;
  /** Raw ed25519 public key of the platform, base64url: shims obey what is signed with it. */
  readonly publicKey: string;
  readonly maxLogBytes: number;
  /** First delay of a restart; doubles up to five minutes. */
  readonly restartBackoffMs: number;
  /** How often files of the API in volumes are looked at again, and the sizes of empty folders. */
  readonly volumePeriodMs: number;
}
