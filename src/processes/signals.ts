/** SIGTERM and SIGINT: the first asks for an orderly end, the second for one at once. */
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
  return {
    get received() {
      return controller.signal.aborted;
    },
    first: first.promise,
    second: second.promise,
    signal: controller.signal,
    close: () => void process.off('SIGTERM', onSignal).off('SIGINT', onSignal),
  };
}
