/** The word with one pod that makes a run's call: hands it the call unless it has one, hears the outcome, lets it end. */
import type { Log } from '../../base/log.ts';
import type { Outcome, Specialize, Tokens, Welcome } from '../../wire/protocol.ts';
import type { KeyPair } from '../../wire/seal.ts';
import { openLink, type PodLink } from '../fleet/link.ts';

export class RunConnection {
  /** Resolves when the call is over; rejects when the pod is gone before that. */
  readonly outcome: Promise<Outcome>;
  readonly #outcome = Promise.withResolvers<Outcome>();
  readonly #log: Log;
  #link!: PodLink;
  #claim: Welcome['claim'];

  private constructor(log: Log) {
    this.#log = log;
    this.outcome = this.#outcome.promise;
    this.outcome.catch(() => undefined);
  }

  /** Rejects with Unavailable while nobody answers there. */
  static async open(address: string, uid: string, key: KeyPair, log: Log): Promise<RunConnection> {
    const connection = new RunConnection(log);
    connection.#link = await openLink(address, uid, key, {
      claimed: (welcome) => connection.#told(welcome),
      stats() {},
      goingAway() {},
      closed: (error) => connection.#outcome.reject(error ?? new Error('the pod closed its connection')),
    });
    connection.#told(await connection.#link.welcomed);
    return connection;
  }

  /** The call was handed over: now, or before the platform was started anew. */
  get isClaimed(): boolean {
    return this.#claim !== undefined;
  }

  /** Whose code it runs, once that is known. */
  get claim(): Welcome['claim'] {
    return this.#claim;
  }

  get isOpen(): boolean {
    return this.#link.open;
  }

  /** Rejects with Unavailable when the pod dies; the pod decides who was first, and says so by its outcome. */
  async begin(head: Omit<Specialize, 'pod'>, packageTar: Uint8Array, timeoutMs: number): Promise<void> {
    const { ok, error } = await this.#link.specialize(head, packageTar, timeoutMs);
    if (!ok) this.#log.info({ run: head.run?.id, reason: error?.reason, message: error?.message }, 'the pod has a call already');
    this.#claim ??= { revisionUid: head.revisionUid, epoch: head.epoch };
  }

  /** New tokens for its code. Throws Unavailable when the connection is gone. */
  renew(tokens: Tokens): void {
    this.#link.renew(tokens);
  }

  /** The outcome is kept: the pod ends. */
  async release(): Promise<void> {
    await this.#link.drain(0);
  }

  close(): void {
    this.#link.close();
  }

  #told({ claim, outcome }: Welcome): void {
    this.#claim ??= claim;
    if (outcome) this.#outcome.resolve(outcome);
  }
}
