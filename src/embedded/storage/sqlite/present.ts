import type { StoreKey } from '../store.ts';
import type { Row } from './rows.ts';

/** Characters of text in each of two generations: what is not asked for again during one is forgotten with the next. */
const most = 1 << 19;

export const keyText = ({ resource, namespace, name }: StoreKey): string => `${resource}/${namespace}/${name}`;

/**
 * The rows of the present that were read or written last. One process has the file, so they are what it would answer; and who reads
 * a version gets the same row as everybody else, with what has been made of it (its index, its object).
 */
export class PresentRows {
  #young = new Map<string, Row>();
  #old = new Map<string, Row>();
  #chars = 0;

  get(key: string): Row | undefined {
    const row = this.#young.get(key);
    if (row) return row;
    const kept = this.#old.get(key);
    if (kept) this.put(key, kept);
    return kept;
  }

  put(key: string, row: Row): void {
    this.#young.set(key, row);
    this.#old.delete(key);
    this.#chars += row.text.length;
    if (this.#chars < most) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#chars = 0;
  }

  drop(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}
