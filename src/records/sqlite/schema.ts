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
];
