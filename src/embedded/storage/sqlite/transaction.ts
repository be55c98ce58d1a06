import type { DatabaseSync } from 'node:sqlite';

/** Ends what a failure left open. A disk that fails may not even let it be ended: then the next BEGIN says so. */
export function rollBack(db: DatabaseSync): void {
  try {
    if (db.isTransaction) db.exec('ROLLBACK');
  } catch {
    // What made it necessary is what is told.
  }
}
