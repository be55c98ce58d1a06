/** First in, first out, with a front for those that have waited before. Items that gave up stay in until they are met: `live` skips them. */
export class WaitingQueue<T extends { readonly waiting: boolean }> {
  #items: (T | undefined)[] = [];
  #head = 0;
  /** How many really wait. Kept by the owner's calls of `push`, `unshift`, `shift` and `left`. */
  size = 0;

  push(item: T): void {
    this.#items.push(item);
    this.size++;
  }

  /** To the front: it has waited its turn already. */
  unshift(item: T): void {
    if (this.#head > 0) this.#items[--this.#head] = item;
    else this.#items.unshift(item);
    this.size++;
  }

  /** One item that waited has given up (its `waiting` is false by now). */
  left(): void {
    this.size--;
    if (this.size === 0) this.#reset();
  }

  shift(): T | undefined {
    while (this.#head < this.#items.length) {
      const item = this.#items[this.#head]!;
      this.#items[this.#head++] = undefined;
      if (!item.waiting) continue;
      this.size--;
      if (this.size === 0) this.#reset();
      else if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
        this.#items = this.#items.slice(this.#head);
        this.#head = 0;
      }
      return item;
    }
    return undefined;
  }

  /** Oldest first, without taking them. */
  *live(): Iterable<T> {
    for (let i = this.#head; i < this.#items.length; i++) {
      const item = this.#items[i];
      if (item?.waiting) yield item;
    }
  }

  #reset(): void {
    this.#items = [];
    this.#head = 0;
  }
}
