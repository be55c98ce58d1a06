/** The `Warning` headers of one answer: each text once, and not more than a header should hold. */

/** Characters of all texts together; above that each is cut, and what comes then is left out. */
const most = 4096;
const mostOfOne = 256;

export class Warnings {
  readonly #texts = new Set<string>();
  #cut = false;
  #length = 0;

  add(text: string): void {
    if (this.#texts.has(text)) return;
    if (!this.#cut && this.#length + charactersOf(text) > most) {
      this.#cut = true;
      this.#length = [...this.#texts].reduce((sum, each) => sum + Math.min(charactersOf(each), mostOfOne), 0);
    }
    if (this.#cut && this.#length >= most) return;
    this.#texts.add(text);
    this.#length += this.#cut ? Math.min(charactersOf(text), mostOfOne) : charactersOf(text);
  }

  /** A header carries bytes: UTF-8 as it is, without control characters. */
  headers(): string[] {
    return [...this.#texts].map((text) => {
      const shown = JSON.stringify(this.#cut ? Array.from(text).slice(0, mostOfOne).join('') : text).replaceAll('\u007f', '');
      return `299 - ${Buffer.from(shown).toString('latin1')}`;
    });
  }
}

const charactersOf = (text: string): number => Array.from(text).length;
