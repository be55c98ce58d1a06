/** The downward API: what a pod may know of itself, as variables and as files. */
import { availableParallelism, totalmem } from 'node:os';
import type { Container, Pod, ResourceFieldSelector } from '../../resources/builtin/pod-types.ts';
import { parseQuantity } from '../../resources/quantity.ts';

/** The value of a field that a variable or a file names; undefined: there is no such field. */
export function podField(pod: Pod, path: string): string | undefined {
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (keyed) return pod.metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2] as string] ?? '';
  const fields: Readonly<Record<string, string | undefined>> = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace,
    'metadata.uid': pod.metadata.uid,
    'metadata.labels': lines(pod.metadata.labels),
    'metadata.annotations': lines(pod.metadata.annotations),
    'spec.nodeName': pod.spec.nodeName,
    'spec.serviceAccountName': pod.spec.serviceAccountName ?? 'default',
    'status.hostIP': '127.0.0.1',
    'status.hostIPs': '127.0.0.1',
    'status.podIP': '127.0.0.1',
    'status.podIPs': '127.0.0.1',
  };
  return Object.hasOwn(fields, path) ? (fields[path] ?? '') : undefined;
}

/** `key="value"`, one a line, by key. */
function lines(map: Readonly<Record<string, string>> | undefined): string {
  return Object.keys(map ?? {})
    .toSorted()
    .map((key) => `${key}=${JSON.stringify(map?.[key])}`)
    .join('\n');
}

/** A limit or request of a container in units of the divisor, rounded up. What is not limited may take all of the machine. */
export function resourceField(container: Container, { resource, divisor = 1 }: ResourceFieldSelector): string | undefined {
  const [, list, name] = /^(limits|requests)\.(.+)$/.exec(resource) ?? [];
  if (list === undefined || name === undefined) return undefined;
  const { limits, requests } = container.resources ?? {};
  const machine: Readonly<Record<string, number>> = { cpu: availableParallelism(), memory: Math.floor(totalmem() / 1024) * 1024 };
  const limit = parseQuantity(limits?.[name]);
  const value = list === 'limits' ? (limit ?? machine[name]) : (parseQuantity(requests?.[name]) ?? limit);
  // Hundredths of a thousandth are what floating point adds.
  return String(Math.ceil((value ?? 0) / (parseQuantity(divisor) || 1) - 1e-9));
}
