/** The log of a pod, as the API server gives it: each line with the time stamp of the container runtime. */

export interface PodLogLine {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly text: string;
}

/** The log of a pod as the API server gives it with `timestamps=true`. Times keep their fraction of a millisecond: it tells lines apart. */
export function parsePodLog(text: string): PodLogLine[] {
  const lines: PodLogLine[] = [];
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    const stamp = space < 0 ? line : line.slice(0, space);
    const time = parseStamp(stamp);
    if (time !== undefined) lines.push({ time, text: space < 0 ? '' : line.slice(space + 1) });
    // Without a stamp it is the rest of a line that held a lone carriage return or the like.
    else if (line !== '' && lines.length > 0) lines.push({ time: lines.at(-1)?.time ?? 0, text: line });
  }
  return lines;
}

function parseStamp(stamp: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(stamp);
  if (!match) return undefined;
  return Date.parse(`${match[1]}${match[3]}`) + Number(`0.${match[2] ?? '0'}`) * 1000;
}

/** Of one container (absent: the only one); `query`: more, as `&tailLines=5`. */
export const podLogPath = (namespace: string, pod: string, query = ''): string =>
  `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log?timestamps=true${query}`;
