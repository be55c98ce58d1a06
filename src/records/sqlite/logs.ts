/** Logs in SQLite: one row a line, grouped by stream; appends of one turn share a commit. */
import { openDatabase, GroupCommit } from './database.ts';
import { fenceCheck } from './fences.ts';
import { recordsSchema } from './schema.ts';
import type { LogLine, LogStore } from '../logs.ts';

/** Roughly what a row costs beside its text. */
const rowBytes = 40;

/** Opens (and makes) the log table in `file`. Close it before the process ends. */
export function openSqliteLogs(file: string): LogStore {
  const database = openDatabase(file, recordsSchema);
  const group = new GroupCommit(database);
  const checkFence = fenceCheck(database);
  const addStream = database.prepare('INSERT INTO streams (name) VALUES (?) ON CONFLICT (name) DO UPDATE SET name = name RETURNING id');
  const addLine = database.prepare('INSERT INTO lines (stream, time, text) VALUES (?, ?, ?)');
  // The newest are found from the end and turned round; ids decide between lines of the same millisecond.
  const readLines = database.prepare(
    `SELECT time, text, name AS stream FROM (
       SELECT lines.id, lines.time, lines.text, streams.name FROM streams JOIN lines ON lines.stream = streams.id
       WHERE streams.name >= :from AND streams.name < :to AND lines.time >= :since
       ORDER BY lines.time DESC, lines.id DESC LIMIT :tail
     ) ORDER BY time, id`,
  );
  const dropOlder = database.prepare(
    "DELETE FROM lines WHERE time < ? AND stream NOT IN (SELECT id FROM streams WHERE name >= '~' AND name < '~\u{10ffff}')",
  );
  const dropLines = database.prepare('DELETE FROM lines WHERE stream IN (SELECT id FROM streams WHERE name >= ? AND name < ?)');
  const dropStreams = database.prepare('DELETE FROM streams WHERE name >= ? AND name < ?');
  const countBytes = database.prepare(`SELECT coalesce(sum(length(text) + ${rowBytes}), 0) AS bytes FROM lines`);
  const sizesByAge = database.prepare(`SELECT id, length(text) + ${rowBytes} AS bytes FROM lines ORDER BY time, id`);
  const dropLine = database.prepare('DELETE FROM lines WHERE id = ?');
  const dropEmptyStreams = database.prepare('DELETE FROM streams WHERE NOT EXISTS (SELECT 1 FROM lines WHERE lines.stream = streams.id)');

  return {
    append: (batch) =>
      group.run(() => {
        for (const { stream, lines } of batch) {
          if (lines.length === 0) continue;
          const { id } = addStream.get(stream) as { id: number };
          for (const line of lines) addLine.run(id, line.time, line.text);
        }
      }),
    read: async (prefix, options = {}) => {
      group.flush();
      const rows = readLines.all({
        from: prefix,
        to: `${prefix}\u{10ffff}`,
        since: options.since ?? -Number.MAX_VALUE,
        tail: options.tail ?? -1,
      });
      return rows as unknown as (LogLine & { stream: string })[];
    },
    trim: (limits, fence) =>
      group.run(() => {
        if (fence) checkFence(fence);
        dropOlder.run(limits.olderThan);
        let excess = (countBytes.get() as { bytes: number }).bytes - limits.maxBytes;
        if (excess > 0) {
          const doomed: number[] = [];
          for (const row of sizesByAge.iterate() as Iterable<{ id: number; bytes: number }>) {
            if (excess <= 0) break;
            doomed.push(row.id);
            excess -= row.bytes;
          }
          for (const id of doomed) dropLine.run(id);
        }
        dropEmptyStreams.run();
      }),
    drop: (prefixes, fence) =>
      group.run(() => {
        if (fence) checkFence(fence);
        for (const prefix of prefixes) for (const statement of [dropLines, dropStreams]) statement.run(prefix, `${prefix}\u{10ffff}`);
      }),
    close: async () => {
      group.flush();
      database.close();
    },
  };
}
