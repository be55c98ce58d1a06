/** What every process of the platform tells of itself, by the usual names of Prometheus clients. */
import { performance } from 'node:perf_hooks';
import { Registry } from '../base/metrics.ts';

/** Prometheus text of this process: memory, CPU, event loop, start. Answers a function to be called at each scrape. */
export function processMetrics(): () => string {
  const registry = new Registry();
  const tell = (name: string, help: string, value: () => number): void => {
    registry.gauge(name, help, (family) => family.child({}).set(value()));
  };
  tell('process_resident_memory_bytes', 'Resident memory size in bytes.', () => process.memoryUsage.rss());
  tell(
    'process_start_time_seconds',
    'Start time of the process since unix epoch in seconds.',
    () => Math.round(performance.timeOrigin) / 1000,
  );
  tell('nodejs_heap_size_used_bytes', 'Used size of the JavaScript heap in bytes.', () => process.memoryUsage().heapUsed);
  let last = performance.eventLoopUtilization();
  tell('nodejs_eventloop_utilization', 'Share of the time since the last scrape that the event loop was busy.', () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  });
  const cpu = registry.counter('process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.').child({});
  return () => {
    const { user, system } = process.cpuUsage();
    cpu.value = (user + system) / 1e6;
    return registry.text();
  };
}
