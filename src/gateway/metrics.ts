import { Registry, type CounterFamily, type HistogramFamily } from '../base/metrics.ts';
import type { InvokeObserver } from '../invoke/table.ts';
import type { Target } from './resolver.ts';

/** What a gateway counts, in its own registry. */
export class GatewayMetrics implements InvokeObserver {
  readonly registry = new Registry();
  readonly #requests: CounterFamily;
  readonly #seconds: HistogramFamily;
  readonly #activations: HistogramFamily;
  readonly #retries: CounterFamily;

  constructor(gauges: { waiting(): number; inFlight(): number }) {
    const { registry } = this;
    this.#requests = registry.counter('tsumugi_gateway_requests_total', 'Requests answered, by function and status.');
    this.#seconds = registry.histogram(
      'tsumugi_gateway_request_duration_seconds',
      'From the head of a request to the end of its answer, by function.',
    );
    this.#activations = registry.histogram(
      'tsumugi_gateway_activation_seconds',
      'Waiting for the activator: cold starts and scale-out, by function and code.',
    );
    this.#retries = registry.counter(
      'tsumugi_gateway_retries_total',
      'Requests sent to another instance because none had accepted them, by function and reason.',
    );
    registry.gauge('tsumugi_gateway_waiting_requests', 'Requests that wait for an instance.', (family) =>
      family.child().set(gauges.waiting()),
    );
    registry.gauge('tsumugi_gateway_requests_in_flight', 'Requests not yet answered.', (family) => family.child().set(gauges.inFlight()));
  }

  answered(target: Target | undefined, status: number, seconds: number): void {
    if (!target) {
      this.#requests.child({ function: '', code: String(status) }).inc();
      return;
    }
    (target.requests[status] ??= this.#requests.child({ function: target.key, code: String(status) })).value++;
    (target.seconds ??= this.#seconds.child({ function: target.key })).observe(seconds);
  }

  activated(entry: { readonly namespace: string; readonly name: string }, seconds: number, code: string): void {
    this.#activations.child({ function: `${entry.namespace}/${entry.name}`, code }).observe(seconds);
  }

  retried(entry: { readonly namespace: string; readonly name: string }, why: string): void {
    this.#retries.child({ function: `${entry.namespace}/${entry.name}`, reason: why }).inc();
  }
}
