/** How often a process that npm started looks whether it has been left alone. */
const PARENT_EVERY = 500;

/**
 * SIGTERM and SIGINT: the first asks for an orderly end, the second for one at once.
 *
 * `npm start` and `npx` pass a SIGTERM only to the shell between, which does not pass it on: there the end of the parent
 * counts as the first.
 */
export interface Signals {
  readonly received: boolean;
  readonly first: Promise<void>;
  readonly second: Promise<void>;
  /** Aborted by the first. */
  readonly signal: AbortSignal;
  close(): void;
}

export function onSignals(): Signals {
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) return second.resolve();
    controller.abort();
    first.resolve();
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  const parent = process.ppid;
  const orphaned = (): void => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    if (!controller.signal.aborted) onSignal();
  };
  const watch = process.env['npm_command'] === undefined ? undefined : setInterval(orphaned, PARENT_EVERY).unref();
  return {
    get received() {
      return controller.signal.aborted;
    },
    first: first.promise,
    second: second.promise,
    signal: controller.signal,
    close: () => {
      clearInterval(watch);
      process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
    },
  };
}
