import type { DatabaseSync } from 'node:sqlite';

import { columns } from './rows.ts';

/** Every statement of the driver, prepared once. */
export function prepareStatements(db: DatabaseSync) {
  // `?1` resource, `?2` the revision asked for, `?3, ?4` the key after which to start, `?5` limit.
  const after = { all: '(namespace, name) > (?3, ?4)', one: 'namespace = ?3 AND name > ?4' };
  const standing = {
    present: 'FROM version INDEXED BY present WHERE resource = ?1 AND superseded = 0 AND revision <= ?2',
    past: 'FROM version INDEXED BY snapshot WHERE resource = ?1 AND revision <= ?2 AND (superseded = 0 OR superseded > ?2)',
  };
  const scan = (state: 'present' | 'past', range: 'all' | 'one') => ({
    rows: db.prepare(`SELECT ${columns} ${standing[state]} AND ${after[range]} ORDER BY namespace, name LIMIT ?5`),
    // `?6` the first byte of each text, `?7` what stands between two, `?8` before the first. The order of the inner query is that of the joined texts.
    texts: db.prepare(
      `SELECT count(*) AS n, max(namespace || char(1) || name) AS last, ?8 || group_concat(substr(CAST(text AS BLOB), ?6), ?7) AS texts
       FROM (SELECT namespace, name, text ${standing[state]} AND ${after[range]} ORDER BY namespace, name LIMIT ?5)`,
    ),
    count: db.prepare(`SELECT count(*) AS n ${standing[state]} AND ${after[range]}`),
  });
  return {
    get: db.prepare(
      `SELECT ${columns} FROM version INDEXED BY present WHERE resource = ? AND namespace = ? AND name = ? AND superseded = 0`,
    ),
    insert: db.prepare(`INSERT INTO version (superseded, gone, bytes, ${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    supersede: db.prepare('UPDATE version SET superseded = ?, gone = ? WHERE revision = ?'),

    scan: {
      present: { all: scan('present', 'all'), one: scan('present', 'one') },
      past: { all: scan('past', 'all'), one: scan('past', 'one') },
    },

    addOwner: db.prepare('INSERT OR IGNORE INTO owner (owner, revision) VALUES (?, ?)'),
    dropOwners: db.prepare('DELETE FROM owner WHERE revision = ?'),
    owned: db.prepare(`SELECT ${columns} FROM owner CROSS JOIN version USING (revision) WHERE owner = ? ORDER BY revision`),

    changes: db.prepare(`SELECT ${columns} FROM version INDEXED BY change WHERE resource = ? AND revision > ? ORDER BY revision LIMIT ?`),
    before: db.prepare(`SELECT ${columns} FROM version INDEXED BY trim WHERE superseded > 0 AND superseded = ?1 AND revision < ?1`),
    log: db.prepare('PRAGMA wal_checkpoint(NOOP)'),
    checkpoint: db.prepare('PRAGMA wal_checkpoint(PASSIVE)'),

    lastRevision: db.prepare('SELECT coalesce(max(revision), 0) AS n FROM version'),

    historyBytes: db.prepare('SELECT coalesce(sum(bytes), 0) AS n FROM version INDEXED BY trim WHERE superseded > 0'),
    oldest: db.prepare('SELECT superseded, gone, bytes FROM version INDEXED BY trim WHERE superseded > 0 ORDER BY superseded LIMIT ?'),
    trim: db.prepare('DELETE FROM version WHERE superseded > 0 AND superseded <= ?'),
    setTrimmed: db.prepare("UPDATE meta SET value = ? WHERE key = 'trimmed'"),
    trimmed: db.prepare("SELECT value AS n FROM meta WHERE key = 'trimmed'"),
  };
}

export type Statements = ReturnType<typeof prepareStatements>;

/** The number of a statement that answers one, as `n`. */
export const numberOf = (row: unknown): number => (row as { n: number }).n;
