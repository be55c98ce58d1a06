import { randomFillSync } from 'node:crypto';

/** Hex digits of one trace id and one span id. */
const DIGITS = 48;
/** Drawn for many requests at once: one at a time the call costs more than the randomness. */
const pool = Buffer.allocUnsafe((DIGITS / 2) * 256);
let digits = '';
let used = 0;

/** 48 random hex digits: a trace id (32) and a span id (16). */
export function randomIds(): string {
  if (used === digits.length) {
    digits = randomFillSync(pool).toString('hex');
    used = 0;
  }
  used += DIGITS;
  return digits.slice(used - DIGITS, used);
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
