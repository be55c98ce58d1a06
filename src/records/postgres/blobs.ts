/** Blobs in PostgreSQL: one row each. Times are the database's. */
import { assertBlobId, blobId } from '../blob-id.ts';
import type { BlobStore, StoredBlob } from '../blobs.ts';
import { fencedOff } from '../fence.ts';
import type { Database } from './database.ts';
import { fenceHolds, fenceQuery, fenceValues } from './fences.ts';

const putAt = `extract(epoch FROM put_at)::float8 * 1000`;

export function postgresBlobs(database: Database): BlobStore {
  return {
    put: async (all) => {
      const ids = all.map(blobId);
      // Each once, and always in the same order: two who put the same at once never wait for each other crosswise.
      const rows = [...new Map(ids.map((id, index) => [id, all[index] as Uint8Array]))].sort(([a], [b]) => (a < b ? -1 : 1));
      await database.query(
        `INSERT INTO tsumugi_blobs (id, bytes) SELECT * FROM unnest($1::text[], $2::bytea[])
         ON CONFLICT (id) DO UPDATE SET put_at = clock_timestamp()`,
        [rows.map(([id]) => id), rows.map(([, bytes]) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))],
      );
      return ids;
    },
    get: async (ids) => {
      ids.forEach(assertBlobId);
      const rows = await database.query<{ id: string; bytes: Buffer }>('SELECT id, bytes FROM tsumugi_blobs WHERE id = ANY ($1)', [ids]);
      // A disk that lost bytes must not become code that runs.
      const found = new Map(rows.filter(({ id, bytes }) => blobId(bytes) === id).map(({ id, bytes }) => [id, bytes]));
      return ids.map((id) => found.get(id));
    },
    has: async (ids) => {
      ids.forEach(assertBlobId);
      const rows = await database.query<{ id: string }>('SELECT id FROM tsumugi_blobs WHERE id = ANY ($1)', [ids]);
      const found = new Set(rows.map(({ id }) => id));
      return ids.map((id) => found.has(id));
    },
    delete: async (ids, { putBefore = Infinity, fence } = {}) => {
      ids.forEach(assertBlobId);
      // A row that is put at this moment is waited for, and its time looked at again.
      const [row] = await database.query<{ held: boolean; ids: string[] }>(
        `WITH ${fenceQuery}, gone AS (
           DELETE FROM tsumugi_blobs WHERE ${fenceHolds} AND id = ANY ($3) AND ${putAt} < $4 RETURNING id
         ) SELECT ${fenceHolds} AS held, ARRAY(SELECT id FROM gone) AS ids`,
        [...fenceValues(fence), ids, putBefore],
      );
      if (fence && !row?.held) throw fencedOff(fence);
      const gone = new Set(row?.ids);
      return ids.filter((id) => gone.has(id));
    },
    list: ({ after = '', limit }) =>
      database.query<StoredBlob & { putAt: number }>(
        `SELECT id, ${putAt} AS "putAt" FROM tsumugi_blobs WHERE id > $1 ORDER BY id LIMIT $2`,
        [after, limit],
      ),
  };
}
