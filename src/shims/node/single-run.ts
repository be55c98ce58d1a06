import { inspect } from 'node:util';
import type { Outcome, OwnRun } from '../../wire/protocol.ts';
import { logPlainly, running, writeLog } from './console.ts';
import { describe } from './handler.ts';
import type { PodIdentity } from './identity.ts';
import { Invocation, InvocationContext, isStopReason, type Owner } from './invocation.ts';
import type { LoadedFunction } from './loaded.ts';
import { maskOutput, mask } from './mask.ts';

/** Of the value and of a stack, as JSON: more would not fit into a frame, nor is a record the place for it. */
const maxOutcome = 256 * 1024;

/**
 * The one call that a pod was made for. It tells the log who it is and what it calls, then what came of it; the outcome stays here until
 * the platform has kept it (`Welcome.outcome`), however often the platform is killed meanwhile.
 */
export class SingleRun {
  outcome: Outcome | undefined;
  readonly #run: OwnRun;
  readonly #invocation: Invocation;
  readonly #context: InvocationContext;
  /** Ends the wait for a call whose process is in a state that nobody knows. */
  readonly #abandoned = Promise.withResolvers<never>();

  constructor(claim: Owner, run: OwnRun, identity: PodIdentity | undefined) {
    this.#run = run;
    this.#invocation = new Invocation(0, ['CALL', '/', run.id, '', '', encodeURIComponent(run.export), ''], undefined);
    this.#context = new InvocationContext(this.#invocation, claim, identity);
    this.#abandoned.promise.catch(() => undefined);
    const { args, sensitive = [] } = run;
    logPlainly();
    if (sensitive.length > 0) maskOutput(sensitive.map((position) => args[position]));
    const shown = args.map((value, position) => (sensitive.includes(position) ? mask : JSON.stringify(value)));
    writeLog(`Runner ID: ${run.id}\n${run.export === 'default' ? claim.function : run.export}(${shown.join(', ')})`);
  }

  /** Resolves when there is an outcome; never rejects. */
  async call(loaded: LoadedFunction): Promise<void> {
    const { export: name, args } = this.#run;
    try {
      const target = loaded.named(name);
      if (!target) throw new TypeError(`there is no export "${name}"; the function exports ${loaded.exports.join(', ') || 'none'}`);
      const called = running.run(this.#context, async () => target(...args));
      this.#succeed(await Promise.race([called, this.#abandoned.promise]));
    } catch (thrown) {
      await this.fail(thrown);
    }
  }

  /** The code could not be loaded, or threw. */
  async fail(thrown: unknown): Promise<void> {
    const stack = isStopReason(thrown)
      ? (thrown as Error).message
      : thrown instanceof Error && thrown.name === 'LoadError'
        ? (thrown.stack ?? thrown.message)
        : describe(thrown);
    writeLog(stack);
    const { name, message } = thrown instanceof Error ? thrown : { name: 'Error', message: inspect(thrown, { breakLength: Infinity }) };
    this.outcome = { error: { name, message: message.slice(0, maxOutcome / 4), stack: stack.slice(0, maxOutcome / 4) } };
  }

  /** Something threw outside of the call: the run has failed. Answers false when it was over already. */
  abandon(thrown: unknown): boolean {
    if (this.outcome) return false;
    this.#abandoned.reject(thrown);
    return true;
  }

  /** The run is to end: when its call does, if that has ever asked for `context.signal`; else at once. */
  cancel(): void {
    if (this.outcome) return;
    this.#invocation.abort('Cancelled', 'the run was cancelled');
    if (!this.#invocation.isHeeded) this.#abandoned.reject(this.#invocation.signal().reason);
  }

  #succeed(value: unknown): void {
    const text = JSON.stringify(value) as string | undefined;
    if (text !== undefined && Buffer.byteLength(text) > maxOutcome) {
      throw new RangeError(
        `the result has ${Math.ceil(Buffer.byteLength(text) / 1024)} KiB as JSON, at most ${maxOutcome / 1024} KiB are kept: store it elsewhere and return where`,
      );
    }
    writeLog(`Result: ${typeof value === 'string' ? value : text}`);
    this.outcome = text === undefined ? {} : { value: JSON.parse(text) as unknown };
  }
}
