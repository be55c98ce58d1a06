/** What may be set of runs for a whole installation. */
export interface RunSettings {
  /** Runners and guests of a namespace at once, where its annotation does not say otherwise. */
  readonly maxRunners: number;
  readonly startTimeoutSeconds: number;
  /** Lines kept of each container. */
  readonly logLines: number;
  /** How long runs are kept after their end, and events after they were told. */
  readonly historyDays: number;
}

export const runDefaults: RunSettings = { maxRunners: 3, startTimeoutSeconds: 600, logLines: 500, historyDays: 30 };
