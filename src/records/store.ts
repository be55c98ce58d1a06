/**
 * The store port: a small key-value store of each namespace, which functions, runs and scripts share.
 *
 * Every write gives the key a new version, greater than all that it had before, and no version ever comes again, not even of a key that
 * was gone in between: who writes only if the version is still the one that he read has written on top of what he saw. What has a due time is gone once it has
 * come, in the store's clock; `trim` gives its room back.
 * Drivers: `sqlite/` (with group commit), `postgres/`. Contract: `store.contract.ts`.
 */
import { TsumugiError } from '../base/errors.ts';
import type { Fence } from './fence.ts';

/** Bytes of a key in UTF-8, and of a value. */
export const maxKeyBytes = 512;
export const maxValueBytes = 1024 * 1024;
/** Entries of one page. */
export const maxPage = 1000;

export interface StoreKey {
  readonly namespace: string;
  readonly key: string;
}

/** What is known of a key without its value. */
export interface StoreEntry {
  readonly key: string;
  readonly version: number;
  /** Of the value. */
  readonly bytes: number;
  /** JSON text in UTF-8; else any bytes. */
  readonly isJson: boolean;
  /** When it goes, milliseconds since 1970. */
  readonly expiresAt?: number;
}

export interface StoredValue extends StoreEntry {
  readonly value: Uint8Array;
}

/** A condition on what is there: absent, none; 0, nothing; else this version. */
export interface StoreCondition {
  readonly ifVersion?: number;
}

export interface StoreWrite extends StoreKey, StoreCondition {
  readonly value: Uint8Array;
  readonly isJson: boolean;
  /** It goes so many milliseconds from now; absent: it stays. What was there had a time of its own, which goes with it. */
  readonly ttlMs?: number;
}

export interface StoreDelete extends StoreKey, StoreCondition {}

export interface StorePage {
  readonly entries: readonly StoreEntry[];
  /** Asks for the next page; absent: this was the last. */
  readonly next?: string;
}

export interface KeyValueStore {
  get(keys: readonly StoreKey[]): Promise<readonly (StoredValue | undefined)[]>;
  /** Durable when it resolves: the new version of each; undefined where its condition did not hold, which keeps none of the others from being written. Throws Invalid, TooLarge. */
  set(writes: readonly StoreWrite[]): Promise<readonly (number | undefined)[]>;
  /** Whether each was there and its condition held. */
  delete(deletes: readonly StoreDelete[]): Promise<readonly boolean[]>;
  /** In the order of the keys' bytes, at most `limit`. `after` is `next` of the page before: the last key, so pages go on whatever is written meanwhile. */
  list(query: { readonly namespace: string; readonly prefix: string; readonly after?: string; readonly limit: number }): Promise<StorePage>;
  /** Namespaces that have anything. */
  namespaces(): Promise<readonly string[]>;
  /** Drops what is due, and all of these namespaces. Answers how many it dropped. Throws Conflict when the fence's epoch is over; then nothing is dropped. */
  trim(options?: { readonly namespaces?: readonly string[]; readonly fence?: Fence }): Promise<number>;
  close(): Promise<void>;
}

/** Throws Invalid for a key that can never be. */
export function checkKey(key: string): void {
  const bytes = Buffer.byteLength(key);
  const wrong =
    bytes === 0
      ? 'a key must not be empty'
      : bytes > maxKeyBytes
        ? `a key has at most ${maxKeyBytes} bytes, this one has ${bytes}`
        : // eslint-disable-next-line no-control-regex
          /[\u0000-\u001f\u007f]/.test(key) || !key.isWellFormed()
          ? `the key ${JSON.stringify(key)} has control characters`
          : undefined;
  if (wrong !== undefined) throw new TsumugiError('Invalid', wrong, { field: 'key', hint: 'use a short text, as orders/2026/17' });
}

/** What every driver does with a write before it looks at what is there. */
export function checkWrite({ key, value, ttlMs }: StoreWrite): void {
  checkKey(key);
  if (value.length > maxValueBytes) {
    throw new TsumugiError('TooLarge', `the value of "${key}" has ${value.length} bytes, a value has at most ${maxValueBytes}`, {
      hint: 'cut it into several keys with one prefix',
    });
  }
  if (ttlMs !== undefined && !(ttlMs > 0 && ttlMs <= 1e14)) {
    throw new TsumugiError('Invalid', `the time to live of "${key}" is ${ttlMs / 1000} seconds`, {
      field: 'ttlSeconds',
      hint: 'it must be more than 0; without one the key stays',
    });
  }
}

/** Cuts what was read with one more than asked for. */
export function pageOf(entries: readonly StoreEntry[], limit: number): StorePage {
  const shown = entries.slice(0, limit);
  const last = shown.at(-1);
  return { entries: shown, ...(entries.length > limit && last && { next: last.key }) };
}
