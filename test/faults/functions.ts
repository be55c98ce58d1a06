/** The functions under load: some that are always warm and take their time in different ways, and many that sleep until called. */
import type { FunctionInput } from '../../src/resources/function.ts';

/** What one answer says of who made it, on its first line: `ID POD COUNT`. */
export interface Signature {
  readonly id: string;
  readonly pod: string;
  /** How many requests this instance has begun: 1 is a cold start. */
  readonly count: number;
}

export const idHeader = 'x-load-id';

/** In which way a warm function is called. */
export interface WarmCall {
  readonly function: string;
  readonly path: string;
  /** Bytes that are sent, and come back after the signature. */
  readonly body?: Buffer;
  /** Lines that come after the signature, one after the other. */
  readonly lines?: number;
  /** How long the function itself takes, ms. */
  readonly ownMs?: number;
}

const body = Buffer.alloc(64 * 1024, 'tsumugi ');

/** Ten calls, in turn: at any moment under 100 a second about ten are under way, with half an answer, half a body or none. */
export const warmCalls: readonly WarmCall[] = [
  ...Array.from({ length: 5 }, () => ({ function: 'quick', path: '/' })),
  { function: 'slow', path: '/?wait=250', ownMs: 250 },
  { function: 'slow', path: '/?wait=100', ownMs: 100 },
  { function: 'upload', path: '/', body },
  { function: 'stream', path: '/?lines=5', lines: 5, ownMs: 500 },
  { function: 'stream', path: '/?lines=2', lines: 2, ownMs: 200 },
];

export const warmNames = [...new Set(warmCalls.map((call) => call.function))];

/** `sleeping`: how many functions wait to be called once in a while. */
export function manifests(namespace: string, sleeping: number, ledger: { host: string; port: number }): readonly FunctionInput[] {
  const make = (name: string, scale: object): FunctionInput => ({
    apiVersion: 'tsumugi.dev/v1',
    kind: 'Function',
    metadata: { namespace, name },
    spec: {
      source: { inline: source },
      env: [
        { name: 'LEDGER_HOST', value: ledger.host },
        { name: 'LEDGER_PORT', value: String(ledger.port) },
      ],
      scale,
    },
  });
  return [
    ...warmNames.map((name) => make(name, { min: 2, max: 4 })),
    ...coldNames(sleeping).map((name) => make(name, { min: 0, max: 2, idleTimeoutSeconds: 5 })),
  ];
}

export const coldNames = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `cold-${index + 1}`);

const source = `
import { connect } from 'node:net';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const ledger = connect(Number(process.env.LEDGER_PORT), process.env.LEDGER_HOST).setNoDelay(true);
ledger.on('error', () => undefined);
let count = 0;

export default async (request: Request) => {
  const id = request.headers.get('${idHeader}');
  ledger.write(id + ' ' + hostname() + '\\n');
  const signature = id + ' ' + hostname() + ' ' + ++count + '\\n';
  const { searchParams } = new URL(request.url);
  await sleep(Number(searchParams.get('wait') ?? 0));
  const lines = Number(searchParams.get('lines') ?? 0);
  if (lines > 0) return answer(signature, lines);
  return request.method === 'POST' ? signature + await request.text() : signature;
};

async function* answer(signature: string, lines: number) {
  yield signature;
  for (let line = 1; line <= lines; line++) {
    await sleep(100);
    yield 'line ' + line + '\\n';
  }
}
`;
