import { pino } from 'pino';

/** The log of one part of the platform: one JSON line per entry on stderr. Users' output never goes here. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Log;
}

/** Level by `TSUMUGI_LOG_LEVEL` (default `info`). Synchronous, so that a dying process loses nothing. */
export function createLog(component: string): Log {
  return pino(
    { base: { component }, level: process.env['TSUMUGI_LOG_LEVEL'] ?? 'info', timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  );
}

/** A log that says nothing: the default of parts used alone, and of tests. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silentLog };
