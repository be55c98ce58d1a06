/** The log of an execution of a function: those lines of the function's own that its calls wrote. */
import type { Run } from '../../records/runs.ts';
import type { RunLogLine, RunLogQuery } from '../jobs.ts';
import { planOf } from '../model/plan.ts';

/** How the logs of functions are read; given by the composition roots. */
export type FunctionLogs = (query: {
  readonly namespace: string;
  readonly function: string;
  readonly follow: boolean;
  readonly since?: number;
  readonly signal: AbortSignal;
}) => AsyncIterable<{ readonly time: string; readonly pod: string; readonly invocation?: string; readonly text: string }>;

/** The id of each call: it stands before each line that the call writes. */
export const callId = (execution: string, index: number, attempt: number): string => `${execution}:${index}:${attempt}`;

/** What is written when the run has ended may take a moment to arrive; ms. */
const lastWordsMs = 500;

export async function* leasedLogs(
  functionLogs: FunctionLogs,
  run: Run,
  { task, follow, tail, signal }: RunLogQuery,
  ended: Promise<unknown>,
): AsyncGenerator<RunLogLine> {
  const prefix = `${run.name}:${task === undefined ? '' : `${task}:`}`;
  const over = new AbortController();
  const timers: NodeJS.Timeout[] = [];
  if (follow) void ended.finally(() => timers.push(setTimeout(() => over.abort(), lastWordsMs))).catch(() => undefined);
  const lines = functionLogs({
    namespace: run.namespace,
    function: planOf(run).call?.function ?? '',
    follow,
    since: run.createdAt,
    signal: AbortSignal.any([signal, over.signal]),
  });
  const held: RunLogLine[] = [];
  try {
    for await (const { time, pod, invocation = '', text } of lines) {
      if (!invocation.startsWith(prefix)) continue;
      const [index, attempt] = invocation
        .slice(run.name.length + 1)
        .split(':')
        .map(Number);
      const line: RunLogLine = {
        time,
        source: pod,
        text,
        ...(index !== undefined && { task: index }),
        ...(attempt !== undefined && { attempt }),
      };
      // The last of a log that grows are not known: whoever follows gets all.
      if (tail === undefined || follow) yield line;
      else {
        held.push(line);
        if (held.length > tail) held.shift();
      }
    }
    yield* held;
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}
