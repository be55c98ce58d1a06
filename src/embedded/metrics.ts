import type { CounterFamily, HistogramFamily, Registry } from '../base/metrics.ts';
import type { AnsweredRequest, ApiObserver } from './api/observer.ts';
import type { OnCommit } from './storage/sqlite/commit.ts';

/** What is asked at each scrape. */
export interface EmbeddedView {
  watches(): ReadonlyMap<string, number>;
  phases(): ReadonlyMap<string, number>;
}

/** What the embedded cluster counts. */
export class EmbeddedMetrics implements ApiObserver {
  readonly #requests: CounterFamily;
  readonly #seconds: HistogramFamily;
  readonly #commits: HistogramFamily;
  readonly #rows: CounterFamily;

  constructor(registry: Registry, view: EmbeddedView) {
    this.#requests = registry.counter(
      'tsumugi_api_requests_total',
      'Requests of the Kubernetes API over HTTP, by verb, resource and code.',
    );
    this.#seconds = registry.histogram(
      'tsumugi_api_request_duration_seconds',
      'From the head of a request to the head of its answer, by verb and resource; without watches.',
    );
    registry.gauge('tsumugi_api_watches', 'Open watches, in process and over HTTP, by resource.', (family) => {
      for (const [resource, count] of view.watches()) family.child({ resource }).set(count);
    });
    this.#commits = registry.histogram('tsumugi_store_commit_duration_seconds', 'Commits of the objects, by result: ok or failed.');
    this.#rows = registry.counter('tsumugi_store_rows_written_total', 'Versions of objects written by commits.');
    registry.gauge('tsumugi_node_pods', 'Pods of the node, by phase.', (family) => {
      family.clear();
      for (const [phase, count] of view.phases()) family.child({ phase }).set(count);
    });
  }

  answered({ verb, resource, code, seconds }: AnsweredRequest): void {
    this.#requests.child({ verb, resource, code: String(code) }).inc();
    if (verb !== 'watch') this.#seconds.child({ verb, resource }).observe(seconds);
  }

  readonly committed: OnCommit = ({ rows, seconds, ok }) => {
    this.#commits.child({ result: ok ? 'ok' : 'failed' }).observe(seconds);
    this.#rows.child().inc(rows);
  };
}
