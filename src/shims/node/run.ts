/** From an accepted invocation to its answer: calls the handler inside its context and sends what it returns. */
import { settled, toCallAnswer } from './answer.ts';
import { running, writeLog } from './console.ts';
import { describe, HandlerMissing, messageOf } from './handler.ts';
import type { LoadedFunction } from './loaded.ts';
import type { Instance } from './instance.ts';
import { type Invocation, InvocationContext } from './invocation.ts';
import type { Outgoing } from './outgoing.ts';

/** Why there is no answer, as ABORT says it. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly stack?: string;
}

/** Something the caller got wrong: not the author's error, so no stack and no line in the log. */
class CallerError extends Error {
  readonly code: 'Invalid' | 'NotFound';
  constructor(code: 'Invalid' | 'NotFound', message: string) {
    super(message);
    this.code = code;
  }
}

/** `over` is called once, when the handler has settled and the answer is sent or cannot be. */
export function run(invocation: Invocation, outgoing: Outgoing, instance: Instance, over: (failure?: Failure) => void): void {
  const context = new InvocationContext(invocation, instance.claim!, instance.identity);
  running.run(context, () => {
    try {
      const name = invocation.export;
      const loaded = instance.loaded!;
      const answer = name === '' ? loaded.respond(invocation, context) : settled(call(loaded, name, invocation), toCallAnswer);
      const sent = answer instanceof Promise ? answer.then((ready) => outgoing.send(ready)) : outgoing.send(answer);
      if (!sent) over();
      else
        sent.then(
          () => over(),
          (thrown: unknown) => over(failureOf(thrown, context.requestId, invocation)),
        );
    } catch (thrown) {
      over(failureOf(thrown, context.requestId, invocation));
    }
  });
}

async function call(loaded: LoadedFunction, name: string, invocation: Invocation): Promise<unknown> {
  const target = loaded.named(name);
  if (!target)
    throw new CallerError('NotFound', `there is no export "${name}"; the function exports ${loaded.exports.join(', ') || 'none'}`);
  const text = invocation.incoming ? Buffer.from((await readBody(invocation)) ?? []).toString() : '';
  let values: unknown = [];
  try {
    if (text.trim() !== '') values = JSON.parse(text);
  } catch (error) {
    throw new CallerError('Invalid', `the body is no JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray(values)) throw new CallerError('Invalid', 'the body must be a JSON array: the arguments');
  return target(...(values as unknown[]));
}

async function readBody(invocation: Invocation): Promise<Uint8Array | undefined> {
  return (invocation.body?.takeNow() as Uint8Array | undefined) ?? invocation.body?.takeAll();
}

function failureOf(thrown: unknown, requestId: string, invocation: Invocation): Failure {
  if (thrown instanceof CallerError) return { code: thrown.code, message: thrown.message };
  if (thrown instanceof HandlerMissing) return { code: 'NotFound', message: thrown.message };
  const stack = describe(thrown);
  // Nobody waits for it any more, and it ended because it was told to.
  const expected = invocation.aborted && (thrown as Error | undefined)?.name === invocation.signal().reason?.name;
  if (!expected) writeLog(stack, requestId);
  return { code: 'HandlerError', message: messageOf(thrown), stack };
}
