/** Who a request comes from, by the token that it shows: what the platform said of a token counts for a moment. */
import { createHash } from 'node:crypto';
import { TsumugiError } from '../base/errors.ts';
import type { Reviewer, TokenOwner } from '../invoke/reviewer.ts';

/** It must be asked whose token it is: come again when `answered` has resolved. */
export class NotYetKnown extends Error {
  readonly answered: Promise<void>;
  constructor(answered: Promise<void>) {
    super('whose token it is must be asked first');
    this.answered = answered;
  }
}

interface Known {
  readonly owner: TokenOwner | undefined;
  readonly until: number;
}

/** So long a token may still open a door after it was taken away. */
const knownMs = 10_000;
/** A flood of wrong tokens takes no more memory than this, and asks the platform no more at once than that. */
const maxKnown = 10_000;
const maxAsked = 64;

export class Doorkeeper {
  readonly #review: Reviewer;
  #platformTokens: ReadonlySet<string> = new Set();
  readonly #known = new Map<string, Known>();
  readonly #asked = new Map<string, Promise<void>>();

  constructor(review: Reviewer) {
    this.#review = review;
  }

  /** sha256 hex of the tokens that open every door. */
  setPlatformTokens(hashes: readonly string[]): void {
    this.#platformTokens = new Set(hashes);
  }

  /**
   * Lets in who shows the platform's token, or one of an account of the namespace, for gateways. `authorization`: the header;
   * `what`: "this path", as the beginning of a sentence.
   *
   * @throws {TsumugiError} Unauthorized; Forbidden for an account of another namespace.
   * @throws {NotYetKnown}
   */
  check(authorization: string | undefined, namespace: string, what: string): void {
    const token = authorization?.match(/^bearer +(\S+)$/i)?.[1];
    if (token === undefined) throw unauthorized(`${what} needs a token`);
    const hash = createHash('sha256').update(token).digest('hex');
    if (this.#platformTokens.has(hash)) return;
    const owner = this.#ownerOf(token, hash);
    if (!owner) throw unauthorized('the token is not valid');
    if (owner.namespace === namespace) return;
    throw new TsumugiError('Forbidden', `the token is of an account of namespace "${owner.namespace}", not of "${namespace}"`, {
      hint: 'show one of an account of that namespace, or of the platform',
    });
  }

  #ownerOf(token: string, hash: string): TokenOwner | undefined {
    // Only a JWT can be an account's.
    if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return undefined;
    const known = this.#known.get(hash);
    if (known && known.until > performance.now()) return known.owner;
    let answered = this.#asked.get(hash);
    if (!answered) {
      if (this.#asked.size >= maxAsked) {
        throw new TsumugiError('Busy', 'too many tokens are being checked', { hint: 'try again in a moment', retryAfterSeconds: 1 });
      }
      answered = this.#ask(token, hash);
      this.#asked.set(hash, answered);
    }
    throw new NotYetKnown(answered);
  }

  async #ask(token: string, hash: string): Promise<void> {
    try {
      const owner = await this.#review(token);
      this.#known.delete(hash);
      this.#known.set(hash, { owner, until: performance.now() + knownMs });
      // The oldest stand first.
      for (const [old, { until }] of this.#known) {
        if (until > performance.now() && this.#known.size <= maxKnown) break;
        this.#known.delete(old);
      }
    } finally {
      this.#asked.delete(hash);
    }
  }
}

const unauthorized = (message: string): TsumugiError =>
  new TsumugiError('Unauthorized', message, {
    hint: 'send "Authorization: Bearer TOKEN" with the platform\'s token, or one that `context.credentials()` gives',
  });
