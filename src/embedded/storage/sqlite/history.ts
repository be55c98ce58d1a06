import type { DatabaseSync } from 'node:sqlite';

import type { Clock } from '../../../base/clock.ts';
import { numberOf } from './statements.ts';
import type { Statements } from './statements.ts';
import { rollBack } from './transaction.ts';

/** How much of the past is kept for watchers that resume and for the pages of long lists. */
export interface HistoryLimits {
  /** Replaced and deleted versions older than this are dropped. Default 10 minutes. */
  readonly maxAgeMs: number;
  /** Above this, the oldest are dropped first. Default 64 MiB. */
  readonly maxBytes: number;
}

export const defaultHistory: HistoryLimits = { maxAgeMs: 600_000, maxBytes: 64 << 20 };

/** Rows looked at in one trim: bounds how long one commit takes. */
const batch = 1000;
const everyMs = 10_000;

/** Forgets the past by age and bytes, a bounded piece at a time, beside commits that happen anyway. */
export class History {
  /** Changes at and before this revision are gone. */
  trimmed: number;
  readonly #db: DatabaseSync;
  readonly #sql: Statements;
  readonly #clock: Clock;
  readonly #limits: HistoryLimits;
  readonly #pins = new Map<number, number>();
  #bytes: number;
  #next = 0;

  constructor(db: DatabaseSync, sql: Statements, clock: Clock, limits: HistoryLimits) {
    this.#db = db;
    this.#sql = sql;
    this.#clock = clock;
    this.#limits = limits;
    this.#bytes = numberOf(sql.historyBytes.get());
    this.trimmed = numberOf(sql.trimmed.get());
  }

  /** A list in progress reads the state at `revision`: it is kept until the returned function is called. */
  pin(revision: number): () => void {
    this.#pins.set(revision, (this.#pins.get(revision) ?? 0) + 1);
    return () => {
      const count = (this.#pins.get(revision) ?? 1) - 1;
      if (count === 0) this.#pins.delete(revision);
      else this.#pins.set(revision, count);
    };
  }

  /** Called after each commit; it put `bytes` of old versions into the past. */
  grew(bytes: number, revision: number): void {
    this.#bytes += bytes;
    const now = this.#clock.now();
    if (this.#bytes <= this.#limits.maxBytes && now < this.#next) return;
    // A full batch means that more may wait: look again at the next commit.
    this.#next = this.#trim(now, revision) < batch ? now + Math.min(everyMs, this.#limits.maxAgeMs) : now;
  }

  #trim(now: number, revision: number): number {
    try {
      return this.#forget(now, revision);
    } catch {
      // A disk that fails must not fail writes that are already durable; the next commit tries again.
      rollBack(this.#db);
      return 0;
    }
  }

  #forget(now: number, revision: number): number {
    const oldest = this.#sql.oldest.all(batch) as unknown as { superseded: number; gone: number; bytes: number }[];
    // The last revision stays, even a deletion's: the sequence continues from it after a restart.
    const ceiling = Math.min(revision - 1, ...this.#pins.keys());
    // Some room is made at once, so that not every commit at the limit has to trim.
    const goal = this.#bytes > this.#limits.maxBytes ? this.#limits.maxBytes * 0.9 : this.#limits.maxBytes;
    let upTo = 0;
    let bytes = 0;
    let count = 0;
    for (const row of oldest) {
      const old = row.gone <= now - this.#limits.maxAgeMs;
      if (row.superseded > ceiling || !(old || this.#bytes - bytes > goal)) break;
      upTo = row.superseded;
      bytes += row.bytes;
      count++;
    }
    if (count === 0) return 0;
    // A deletion is two rows of one revision; the batch may have ended between them.
    if (count === batch && oldest[batch - 1]?.superseded === upTo) {
      while (count > 0 && oldest[count - 1]?.superseded === upTo) bytes -= oldest[--count]?.bytes ?? 0;
      upTo = oldest[count - 1]?.superseded ?? 0;
    }
    this.#db.exec('BEGIN IMMEDIATE');
    this.#sql.trim.run(upTo);
    this.#sql.setTrimmed.run(upTo);
    this.#db.exec('COMMIT');
    this.#bytes -= bytes;
    this.trimmed = upTo;
    return oldest.length === batch ? batch : count;
  }
}
