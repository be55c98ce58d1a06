/** Logs in PostgreSQL: one row a line. */
import { fencedOff } from '../fence.ts';
import type { LogLine, LogStore } from '../logs.ts';
import type { Database } from './database.ts';
import { fenceHolds, fenceQuery, fenceValues } from './fences.ts';

/** Roughly what a row costs beside its text. */
const rowBytes = 40;

export function postgresLogs(database: Database): Omit<LogStore, 'close'> {
  return {
    append: async (batch) => {
      const rows = batch.flatMap(({ stream, lines }) => lines.map((line) => ({ stream, ...line })));
      if (rows.length === 0) return;
      await database.query(
        `INSERT INTO tsumugi_log_lines (stream, time, text)
         SELECT stream, time, text FROM unnest($1::text[], $2::float8[], $3::text[]) WITH ORDINALITY AS line (stream, time, text, n) ORDER BY n`,
        // The one character that PostgreSQL has not.
        [
          rows.map(({ stream }) => stream),
          rows.map(({ time }) => time),
          rows.map(({ text }) => text.replaceAll('\0', '\ufffd').toWellFormed()),
        ],
      );
    },
    read: (prefix, { since = -Infinity, tail } = {}) =>
      // The newest are found from the end and turned round; ids decide between lines of the same moment.
      database.query<LogLine & { stream: string }>(
        `SELECT stream, time, text FROM (
           SELECT id, stream, time, text FROM tsumugi_log_lines WHERE stream >= $1 AND stream < $2 AND time >= $3
           ORDER BY time DESC, id DESC LIMIT $4
         ) AS newest ORDER BY time, id`,
        [prefix, `${prefix}\u{10ffff}`, since, tail ?? null],
      ),
    trim: async ({ olderThan, maxBytes }, fence) => {
      const [row] = await database.query<{ held: boolean }>(
        `WITH ${fenceQuery}, doomed AS (
           SELECT id FROM (
             SELECT id, stream, time, sum(octet_length(text) + ${rowBytes}) OVER (ORDER BY time DESC, id DESC) AS bytes FROM tsumugi_log_lines
           ) AS sized WHERE (time < $3 AND NOT starts_with(stream, '~')) OR bytes > $4
         ), gone AS (
           DELETE FROM tsumugi_log_lines WHERE ${fenceHolds} AND id IN (SELECT id FROM doomed)
         ) SELECT ${fenceHolds} AS held`,
        [...fenceValues(fence), olderThan, maxBytes],
      );
      if (fence && !row?.held) throw fencedOff(fence);
    },
    drop: async (prefixes, fence) => {
      const [row] = await database.query<{ held: boolean }>(
        `WITH ${fenceQuery}, gone AS (
           DELETE FROM tsumugi_log_lines USING unnest($3::text[]) AS given (prefix)
           WHERE ${fenceHolds} AND stream >= prefix AND stream < prefix || $4
         ) SELECT ${fenceHolds} AS held`,
        [...fenceValues(fence), prefixes, '\u{10ffff}'],
      );
      if (fence && !row?.held) throw fencedOff(fence);
    },
  };
}
