/** Fences in PostgreSQL: part of the statement of the write that carries them, so of its transaction. */
import { type Fence, fencedOff, type FenceStore } from '../fence.ts';
import type { Database } from './database.ts';

/**
 * `WITH fence AS (…)`: gives a row when the epoch is not over, and remembers it. Who comes with another epoch of the scope waits for
 * the end of the statement. Parameters 1 and 2 are scope and epoch, NULL without a fence.
 */
export const fenceQuery = `fence AS (
  INSERT INTO tsumugi_fences (scope, epoch) SELECT $1::text, $2::bigint WHERE $1::text IS NOT NULL
  ON CONFLICT (scope) DO UPDATE SET epoch = excluded.epoch WHERE tsumugi_fences.epoch <= excluded.epoch
  RETURNING epoch
)`;

/** True in a statement that has `fenceQuery` and may write. */
export const fenceHolds = '($1::text IS NULL OR EXISTS (SELECT FROM fence))';

export const fenceValues = (fence: Fence | undefined): readonly unknown[] => [fence?.scope ?? null, fence?.epoch ?? null];

export function postgresFences(database: Database): FenceStore {
  return {
    raise: async (fence) => {
      const rows = await database.query(`WITH ${fenceQuery} SELECT epoch FROM fence`, fenceValues(fence));
      if (rows.length === 0) throw fencedOff(fence);
    },
    highest: async (scope) => {
      const rows = await database.query<{ epoch: string }>('SELECT epoch FROM tsumugi_fences WHERE scope = $1', [scope]);
      return Number(rows[0]?.epoch ?? 0);
    },
  };
}
