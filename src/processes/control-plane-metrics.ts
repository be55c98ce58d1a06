/** All that the control plane counts, in one registry. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from '../base/metrics.ts';
import { EmbeddedMetrics, type EmbeddedView } from '../embedded/metrics.ts';
import { FunctionsMetrics } from '../functions/metrics.ts';

export interface ControlPlaneMetrics {
  readonly registry: Registry;
  readonly embedded: EmbeddedMetrics;
  readonly functions: FunctionsMetrics;
}

/** Its databases: objects, and the logs of pods that ended. */
const files = ['api.db', 'records.db'];

/** `view` is asked at each scrape alone. */
export function controlPlaneMetrics(data: string, view: EmbeddedView): ControlPlaneMetrics {
  const registry = new Registry();
  const functions = new FunctionsMetrics(registry);
  const embedded = new EmbeddedMetrics(registry, view);
  registry.gauge('tsumugi_data_file_bytes', 'Size of a database, by file: api.db has the objects, records.db the kept logs.', (family) => {
    for (const file of files) family.child({ file }).set(statSync(join(data, file), { throwIfNoEntry: false })?.size ?? 0);
  });
  return { registry, functions, embedded };
}
