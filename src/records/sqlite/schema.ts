/** The tables of `records.db`: the stores share the file, each with a connection of its own. */
export const recordsSchema = [
  `CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
   CREATE TABLE lines (id INTEGER PRIMARY KEY, stream INTEGER NOT NULL REFERENCES streams, time REAL NOT NULL, text TEXT NOT NULL) STRICT;
   CREATE INDEX lines_by_stream ON lines (stream, time);
   CREATE INDEX lines_by_time ON lines (time)`,
  `CREATE TABLE fences (scope TEXT PRIMARY KEY, epoch INTEGER NOT NULL) STRICT`,
  // Keys are compared byte by byte. The version is of the whole store: it grows with each write.
  `CREATE TABLE store (
     namespace TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, is_json INTEGER NOT NULL, expires_at REAL, value BLOB NOT NULL,
     PRIMARY KEY (namespace, key)
   ) STRICT;
   CREATE INDEX store_by_expiry ON store (expires_at) WHERE expires_at IS NOT NULL;
   CREATE TABLE store_version (version INTEGER NOT NULL) STRICT;
   INSERT INTO store_version VALUES (0)`,
  // A run that has not ended is found by an index of its own, however many ended ones there are.
  `CREATE TABLE runs (
     sequence INTEGER PRIMARY KEY AUTOINCREMENT, format INTEGER NOT NULL DEFAULT 1, uid TEXT NOT NULL UNIQUE, namespace TEXT NOT NULL,
     name TEXT NOT NULL, kind TEXT NOT NULL, place TEXT NOT NULL, job TEXT NOT NULL, labels TEXT NOT NULL, spec TEXT NOT NULL, created_at REAL NOT NULL,
     status TEXT NOT NULL, desired TEXT NOT NULL, counts TEXT NOT NULL, admitted_at REAL, started_at REAL, ended_at REAL, reason TEXT, message TEXT,
     result TEXT, memo TEXT, version INTEGER NOT NULL, UNIQUE (namespace, name)
   ) STRICT;
   CREATE INDEX runs_open ON runs (sequence) WHERE ended_at IS NULL OR desired = 'delete';
   CREATE INDEX runs_ended ON runs (ended_at) WHERE ended_at IS NOT NULL;
   CREATE INDEX runs_by_job ON runs (namespace, job, sequence);
   CREATE TABLE tasks (
     run INTEGER NOT NULL, number INTEGER NOT NULL, attempt INTEGER NOT NULL, first_attempt INTEGER, status TEXT NOT NULL, started_at REAL, ended_at REAL,
     exit_code INTEGER, error TEXT, pod TEXT, result TEXT, PRIMARY KEY (run, number)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE run_events (
     sequence INTEGER PRIMARY KEY AUTOINCREMENT, format INTEGER NOT NULL DEFAULT 1, namespace TEXT NOT NULL, run TEXT NOT NULL,
     appended_at REAL NOT NULL, event TEXT NOT NULL
   ) STRICT;
   CREATE INDEX run_events_by_time ON run_events (appended_at)`,
  `ALTER TABLE runs ADD COLUMN queue_until REAL`,
];
