import type { Context } from '../../sdk/index.ts';
import type { Answer } from './answer.ts';
import type { Invocation } from './invocation.ts';

/** The user's code, loaded. */
export interface LoadedFunction {
  /** Names of exported functions but the default one, for `/call/`. */
  readonly exports: readonly string[];
  /** Answers a request; throws HandlerMissing when there are only named exports. */
  respond(invocation: Invocation, context: Context): Answer | Promise<Answer>;
  /** A function by its export's name, for calls with JSON arguments. */
  named(name: string): ((...values: unknown[]) => unknown) | undefined;
}

/** The user's code cannot be loaded. `stack` is what the author wants to see. */
export class LoadError extends Error {
  override name = 'LoadError';
}
