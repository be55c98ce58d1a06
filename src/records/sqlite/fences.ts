/** Fences in SQLite: checked in the transaction of the write that carries them. */
import type { DatabaseSync } from 'node:sqlite';

import { type Fence, fencedOff, type FenceStore } from '../fence.ts';
import { GroupCommit, openDatabase } from './database.ts';
import { recordsSchema } from './schema.ts';

/** To be called in a transaction: remembers the epoch, or throws Conflict. */
export function fenceCheck(database: DatabaseSync): (fence: Fence) => void {
  const raise = database.prepare(
    `INSERT INTO fences (scope, epoch) VALUES (?, ?)
     ON CONFLICT (scope) DO UPDATE SET epoch = excluded.epoch WHERE fences.epoch <= excluded.epoch`,
  );
  return (fence) => {
    if (raise.run(fence.scope, fence.epoch).changes === 0) throw fencedOff(fence);
  };
}

/** Opens (and makes) the fences in `file`, `records.db`. Close it before the process ends. */
export function openSqliteFences(file: string): FenceStore & { close(): Promise<void> } {
  const database = openDatabase(file, recordsSchema);
  const group = new GroupCommit(database);
  const check = fenceCheck(database);
  const highest = database.prepare('SELECT epoch FROM fences WHERE scope = ?');
  return {
    raise: (fence) => group.run(() => check(fence)),
    highest: async (scope) => {
      group.flush();
      return (highest.get(scope) as { epoch: number } | undefined)?.epoch ?? 0;
    },
    close: async () => {
      group.flush();
      database.close();
    },
  };
}
