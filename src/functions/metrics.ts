import type { CounterFamily, HistogramFamily, Registry } from '../base/metrics.ts';
import type { ControllerRun } from '../kube/reconcile.ts';
import type { MemberState } from './fleet/member.ts';
import type { FunctionsObserver, FunctionsView, ResultCode } from './observer.ts';

/** Where a pod is on its way; all are told, so that one that is missing is a 0 and no gap. */
const states: readonly MemberState[] = ['pending', 'generic', 'reserved', 'serving', 'draining'];

/** What the reconcilers and the activator count. No function's name is a label here: gateways tell what each function costs. */
export class FunctionsMetrics implements FunctionsObserver {
  readonly #activations: HistogramFamily;
  readonly #starts: HistogramFamily;
  readonly #runs: HistogramFamily;
  readonly #outcomes: CounterFamily;
  #view: FunctionsView | undefined;

  constructor(registry: Registry) {
    this.#activations = registry.histogram(
      'tsumugi_activation_duration_seconds',
      'From an ask for an instance (by a gateway, for scale or for a trial) to the answer, by code: Ok or an error code.',
    );
    this.#starts = registry.histogram(
      'tsumugi_instance_start_duration_seconds',
      'From taking a pod to the loaded function, by code: Ok or an error code.',
    );
    registry.gauge(
      'tsumugi_pool_pods',
      'Pods of pools, by runtime and state: generic ones are free, serving ones are instances.',
      (family) => {
        family.clear();
        for (const { runtime, state } of this.#view?.members() ?? []) {
          if (state === 'gone') continue;
          for (const each of states) family.child({ runtime, state: each });
          family.child({ runtime, state }).value++;
        }
      },
    );
    registry.gauge('tsumugi_pool_waiting', 'Starts that wait for a free pod, by runtime.', (family) => {
      family.clear();
      for (const [runtime, waiting] of this.#view?.waiting() ?? []) family.child({ runtime }).set(waiting);
    });
    this.#outcomes = registry.counter('tsumugi_reconciles_total', 'Runs of reconcilers, by controller and outcome.');
    this.#runs = registry.histogram('tsumugi_reconcile_duration_seconds', 'Duration of a run of a reconciler, by controller.');
    registry.gauge('tsumugi_reconcile_queue_depth', 'Keys that wait to be reconciled, by controller.', (family) => {
      for (const [controller, waiting] of this.#view?.queued() ?? []) family.child({ controller }).set(waiting);
    });
  }

  watch(view: FunctionsView): void {
    this.#view = view;
  }

  activated(seconds: number, code: ResultCode): void {
    this.#activations.child({ code }).observe(seconds);
  }

  started(seconds: number, code: ResultCode): void {
    this.#starts.child({ code }).observe(seconds);
  }

  ran({ controller, outcome, milliseconds }: ControllerRun): void {
    this.#outcomes.child({ controller, outcome }).inc();
    this.#runs.child({ controller }).observe(milliseconds / 1000);
  }
}
