import { randomFillSync } from 'node:crypto';

/** 24 random bytes make a trace id and a span id; drawn for many requests at once. */
const pool = Buffer.allocUnsafe(24 * 256);
let used = pool.length;

/** 48 random hex digits: a trace id (32) and a span id (16). */
export function randomIds(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += 24;
  return pool.toString('hex', used - 24, used);
}

const traceparent = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The W3C `traceparent` to send on: a new span in the caller's trace, or in a new trace of these ids. */
export function childTrace(incoming: string | undefined, ids: string): string {
  if (incoming !== undefined && traceparent.test(incoming)) return `${incoming.slice(0, 36)}${ids.slice(32)}${incoming.slice(52)}`;
  return `00-${ids.slice(0, 32)}-${ids.slice(32)}-01`;
}

/** An id that a caller chose may stand in logs and headers: short, and only harmless characters. */
export function saneRequestId(id: string): boolean {
  return /^[\w.:@=+/-]{1,128}$/.test(id);
}
