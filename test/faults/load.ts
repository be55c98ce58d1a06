/** A constant load, whatever becomes of it: a request is sent when its time comes, not when the one before has been answered. */
import type { Answer, Attempt, Balancer } from './balancer.ts';
import { coldNames, idHeader, type Signature, type WarmCall, warmCalls } from './functions.ts';

export interface LoadOptions {
  readonly balancer: Balancer;
  readonly namespace: string;
  readonly warmPerSecond: number;
  readonly coldPerSecond: number;
  /** Functions that sleep; each is called every `sleeping / coldPerSecond` seconds. */
  readonly sleeping: number;
}

export interface Outcome {
  readonly id: string;
  readonly kind: 'warm' | 'cold';
  readonly function: string;
  /** When it was due; all times are `performance.now()`. */
  readonly at: number;
  readonly attempts: readonly Attempt[];
  readonly endedAt: number;
  /** What it took beyond the function's own time, from when it was due. */
  readonly addedMs: number;
  /** Absent: it failed before it had an answer. */
  readonly status?: number;
  /** Who answered, when all is well. */
  readonly signature?: Signature;
  /** What went wrong: a system's code, the platform's code, or words. */
  readonly failure?: string;
  /** What the platform said of it. */
  readonly message?: string;
}

export interface Load {
  /** Ends sending, waits for what is under way, answers all that became of it. */
  stop(): Promise<readonly Outcome[]>;
}

const timeoutMs = 60_000;
let loads = 0;

export function startLoad({ balancer, namespace, warmPerSecond, coldPerSecond, sleeping }: LoadOptions): Load {
  const load = ++loads;
  const outcomes: Outcome[] = [];
  const underWay = new Set<Promise<void>>();
  const names = coldNames(sleeping);
  let count = 0;

  const send = (kind: Outcome['kind'], call: WarmCall, at: number): void => {
    const id = `${load}-${kind}-${++count}`;
    const attempts: Attempt[] = [];
    const question = {
      path: `/function/${call.function}.${namespace}${call.path}`,
      headers: { [idHeader]: id },
      body: call.body,
      timeoutMs,
    };
    const sent = balancer
      .send(question, attempts)
      .then(
        (answer) => judge(answer, id, call),
        (error: NodeJS.ErrnoException) => ({ failure: error.code ?? error.message }),
      )
      .then((end) => {
        const endedAt = performance.now();
        outcomes.push({ id, kind, function: call.function, at, attempts, endedAt, addedMs: endedAt - at - (call.ownMs ?? 0), ...end });
        underWay.delete(sent);
      });
    underWay.add(sent);
  };

  const startedAt = performance.now();
  let warm = 0;
  let cold = 0;
  const timer = setInterval(() => {
    const seconds = (performance.now() - startedAt) / 1000;
    for (; warm < seconds * warmPerSecond; warm += 1)
      send('warm', warmCalls[warm % warmCalls.length]!, startedAt + (warm / warmPerSecond) * 1000);
    for (; cold < seconds * coldPerSecond; cold += 1)
      send('cold', { function: names[cold % names.length]!, path: '/' }, startedAt + (cold / coldPerSecond) * 1000);
  }, 5);
  return {
    stop: async () => {
      clearInterval(timer);
      await Promise.all(underWay);
      return outcomes;
    },
  };
}

function judge({ status, text }: Answer, id: string, { body, lines = 0 }: WarmCall): Partial<Outcome> {
  if (status !== 200) {
    const { code, message } = errorOf(text);
    return { status, failure: `${status} ${code}`, message };
  }
  const end = text.indexOf('\n');
  const [said = '', pod = '', count = ''] = text.slice(0, end).split(' ');
  const expected = (body?.toString() ?? '') + Array.from({ length: lines }, (_, index) => `line ${index + 1}\n`).join('');
  if (said !== id || text.slice(end + 1) !== expected) return { status, failure: 'another answer than asked for' };
  return { status, signature: { id: said, pod, count: Number(count) } };
}

function errorOf(text: string): { readonly code: string; readonly message: string } {
  try {
    return (JSON.parse(text) as { error: { code: string; message: string } }).error;
  } catch {
    return { code: '', message: text.slice(0, 200) };
  }
}
