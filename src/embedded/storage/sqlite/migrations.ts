/**
 * The tables of `api.db`, as numbered steps. A step once released never changes; a new one is added below.
 * SQLite's `user_version` says which steps a file has had: it is the format version of every row in it.
 */
import type { DatabaseSync } from 'node:sqlite';

import { rollBack } from './transaction.ts';

/**
 * One row per version of an object. `superseded` is 0 for the present version, else the revision that replaced it; the row
 * of a deletion replaces itself. So the present state, any state of the kept past, and the changes in between are three
 * readings of one table, and trimming is one delete: `superseded <= trimmed`.
 */
const first = `
  CREATE TABLE version (
    revision INTEGER PRIMARY KEY,
    superseded INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    resource TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    uid TEXT NOT NULL,
    type TEXT NOT NULL,
    idx TEXT NOT NULL,
    text TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX present ON version (resource, namespace, name) WHERE superseded = 0;
  CREATE INDEX snapshot ON version (resource, namespace, name, superseded, revision);
  CREATE INDEX trim ON version (superseded, gone, bytes) WHERE superseded > 0;
  CREATE INDEX change ON version (resource, revision);
  CREATE TABLE owner (owner TEXT NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (owner, revision)) STRICT, WITHOUT ROWID;
  CREATE INDEX owned ON owner (revision);
  CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('trimmed', 0);
`;

const steps: readonly string[] = [first];

export const formatVersion = steps.length;

/** Brings a file to the present format; refuses one of a later release. */
export function migrate(db: DatabaseSync, path: string): void {
  const { user_version: found } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (found > formatVersion)
    throw new Error(`${path} has format ${found}; this release knows formats up to ${formatVersion}: use a later release`);
  for (let number = found; number < formatVersion; number++) {
    db.exec('BEGIN IMMEDIATE');
    try {
      db.exec(steps[number] as string);
      db.exec(`PRAGMA user_version = ${number + 1}`);
      db.exec('COMMIT');
    } catch (error) {
      rollBack(db);
      throw error;
    }
  }
}
