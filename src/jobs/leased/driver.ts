/** Runs executions of functions: their tasks are calls on instances that are used again. */
import { type Clock, systemClock } from '../../base/clock.ts';
import type { Invoker } from '../../invoke/invoker.ts';
import type { Run, RunOutline, RunStore } from '../../records/runs.ts';
import type { Quota, RunControl, RunDriver } from '../driver.ts';
import { LeasedExecution } from './execution.ts';

export interface LeasedDriverOptions {
  readonly runs: RunStore;
  readonly invoker: Invoker;
  /** Executions of functions at once in one namespace. Default 20. */
  readonly limit?: number;
  readonly clock?: Clock;
}

export class LeasedDriver implements RunDriver {
  readonly place = 'instances';
  readonly #options: LeasedDriverOptions;

  constructor(options: LeasedDriverOptions) {
    this.#options = options;
  }

  quota({ namespace }: RunOutline): Quota {
    return { scope: `instances/${namespace}`, limit: this.#options.limit ?? 20 };
  }

  async drive(run: Run, control: RunControl): Promise<void> {
    const { runs, invoker, clock = systemClock } = this.#options;
    await new LeasedExecution(run, control, { runs, invoker, clock }).run();
  }
}
