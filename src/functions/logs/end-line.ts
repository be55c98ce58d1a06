/** The end of a function's process, told in its own log, where its author looks: code that ends its process says nothing itself. */
import { constants } from 'node:os';
import type { LogLine } from '../../records/logs.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';

/** Undefined while the process runs, and where it was asked to end. `after`: time of what it wrote last. */
export function endLine({ metadata, spec, status }: Pod, after: number): LogLine | undefined {
  const ended = status?.containerStatuses?.[0]?.state?.terminated;
  if (!ended || metadata.deletionTimestamp) return undefined;
  const { exitCode, reason, message, finishedAt } = ended;
  const memory = spec.containers[0]?.resources?.limits?.['memory'];
  const signal = Object.entries(constants.signals).find(([, number]) => number === exitCode - 128)?.[0];
  let text = `the process ended with exit code ${exitCode}`;
  if (reason === 'OOMKilled') text = `the process was ended: it was over its memory limit${memory ? ` of ${memory}` : ''}`;
  else if (reason === 'ContainerStatusUnknown') text = message ?? 'nobody saw how the process ended';
  else if (signal !== undefined) text = `the process was ended by ${signal}`;
  // Kubernetes tells whole seconds, and lines are told apart by their time.
  return { time: Math.max(Date.parse(finishedAt ?? '') || 0, after + 0.001), text };
}
