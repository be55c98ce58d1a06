import { AsyncLocalStorage } from 'node:async_hooks';
import { Console } from 'node:console';
import type { Context, Logger } from '../../sdk/index.ts';

/** The running invocation. `tsumugi/sdk` finds it under this symbol, whichever copy of it the user's bundle holds. */
export const running = new AsyncLocalStorage<Context>();
(globalThis as { [key: symbol]: unknown })[Symbol.for('tsumugi.context')] = running;

/** Each line with the id of its invocation, so that `tsumugi logs` can tell them apart. Lines of no invocation have none. */
export function prefixLines(text: string, id: string | undefined): string {
  const body = text.endsWith('\n') ? text.slice(0, -1) : text;
  if (id === undefined) return `${body}\n`;
  return body.includes('\n')
    ? `${body
        .split('\n')
        .map((line) => `[${id}] ${line}`)
        .join('\n')}\n`
    : `[${id}] ${body}\n`;
}

let guarded = false;
let plain = false;

/** No ids before the lines: this pod makes one call alone. */
export function logPlainly(): void {
  plain = true;
}

/** Writes to the function's log at once: a handler that blocks or dies right after must not take its last words with it. */
export function writeLog(text: string, id = running.getStore()?.requestId): void {
  if (!guarded) {
    guarded = true;
    // Nobody reads the log any more: no reason to end the invocations that run.
    process.stdout.on('error', () => {});
  }
  process.stdout.write(prefixLines(text, plain ? undefined : id));
}

/** A console whose every method writes to the function's log. */
function functionConsole(): Console {
  const sink = { write: (text: string) => (writeLog(text), true), on() {}, once() {}, removeListener() {}, listenerCount: () => 0 };
  return new Console({ stdout: sink as never, stderr: sink as never, colorMode: false });
}

/** Makes `console` write to the function's log. */
export function installConsole(): void {
  globalThis.console = functionConsole();
}

/** `context.log`: as console, by level. */
export const log: Logger = {
  debug: (...values) => console.debug(...values),
  info: (...values) => console.info(...values),
  warn: (...values) => console.warn(...values),
  error: (...values) => console.error(...values),
};
