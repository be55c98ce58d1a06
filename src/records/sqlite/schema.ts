/** The tables of `records.db`: the stores share the file, each with a connection of its own. */
export const recordsSchema = [
  `CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
   CREATE TABLE lines (id INTEGER PRIMARY KEY, stream INTEGER NOT NULL REFERENCES streams, time REAL NOT NULL, text TEXT NOT NULL) STRICT;
   CREATE INDEX lines_by_stream ON lines (stream, time);
   CREATE INDEX lines_by_time ON lines (time)`,
  `CREATE TABLE fences (scope TEXT PRIMARY KEY, epoch INTEGER NOT NULL) STRICT`,
];
