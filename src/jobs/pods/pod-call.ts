/** The call that a runner's pod is to make: handed over once somebody answers there, heard until it is over, released when its outcome is kept. */
import { errorTable, TsumugiError } from '../../base/errors.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import type { FunctionPods, RunnerCall, RunnerConnection } from './function-pods.ts';
import type { RunnerResult } from './specs.ts';

/** Delays between attempts to reach a pod that says it runs: its program may still be loading. */
const retryMs = [2, 5, 10, 20, 50, 100, 200, 500, 1000];

export class PodCall {
  readonly #functions: FunctionPods;
  readonly #request: () => Promise<RunnerCall>;
  /** Something has happened. */
  readonly #told: () => void;
  #connection: RunnerConnection | undefined;
  #isOpening = false;
  #attempts = 0;
  #notBefore = 0;
  #isClosed = false;
  outcome: RunnerResult | undefined;
  /** Why this call can never be made. */
  refused: TsumugiError | undefined;

  constructor(functions: FunctionPods, request: () => Promise<RunnerCall>, told: () => void) {
    this.#functions = functions;
    this.#request = request;
    this.#told = told;
  }

  /** When the next attempt is due; undefined: nothing is to be tried. */
  get retryInMs(): number | undefined {
    return this.#notBefore > 0 && !this.#connection && !this.#isOpening ? Math.max(0, this.#notBefore - performance.now()) : undefined;
  }

  /** Opens the connection, unless it is open or a try was made a moment ago. */
  begin(pod: Pod): void {
    if (this.#connection || this.#isOpening || performance.now() < this.#notBefore) return;
    this.#isOpening = true;
    void this.#open(pod).finally(() => {
      this.#isOpening = false;
      this.#told();
    });
  }

  /** The outcome is kept. What fails is tried again with the next call. */
  async release(pod: Pod): Promise<void> {
    if (!this.#connection) return this.begin(pod);
    await this.#connection.release().catch(() => this.#lost());
  }

  close(): void {
    this.#isClosed = true;
    this.#connection?.close();
  }

  async #open(pod: Pod): Promise<void> {
    try {
      const connection = await this.#functions.call(pod, this.#request);
      if (this.#isClosed) return connection.close();
      this.#connection = connection;
      this.#attempts = 0;
      connection.outcome.then(
        (outcome) => {
          this.outcome = outcome;
          this.#told();
        },
        () => {
          this.#lost();
          this.#told();
        },
      );
    } catch (error) {
      if (error instanceof TsumugiError && errorTable[error.code].retry === 'never' && error.code !== 'Internal') this.refused = error;
      else this.#lost();
    }
  }

  #lost(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#notBefore = performance.now() + (retryMs[Math.min(this.#attempts++, retryMs.length - 1)] ?? 0);
  }
}
