/** `up DIR` deploys in a short-lived process with the same command a user would type: the supervisor stays small. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { TsumugiError } from '../base/errors.ts';

/** What `tsumugi deploy -o json` prints, one line each. */
export type DeployLine =
  /** First: what will be deployed, each `namespace/name`. */
  { readonly type: 'plan'; readonly functions: readonly string[] } | DeployedManifest | DeployedFunction;

export interface DeployedManifest {
  readonly type: 'manifest';
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly result: 'created' | 'configured' | 'unchanged' | 'failed';
  readonly error?: string;
}

export interface DeployedFunction {
  readonly type: 'function';
  readonly namespace: string;
  readonly name: string;
  readonly ready: boolean;
  readonly url: string;
  readonly revision: string;
  readonly exports: readonly string[];
  readonly ms: number;
  /** Why it is not ready. */
  readonly error?: string;
  readonly hint?: string;
}

/** Deploys `dir` to the platform on `data`; tells each line as it comes. Throws what kept all of it from being deployed. */
export async function deployFolder(
  command: readonly string[],
  dir: string,
  data: string,
  onLine: (line: DeployLine) => void,
  signal: AbortSignal,
): Promise<void> {
  const [program = process.execPath, ...args] = command;
  const child = spawn(program, [...args, 'deploy', dir, '--data', data, '--output', 'json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    // Dies with us: a lost pipe would only be noticed at the next write.
    killSignal: 'SIGKILL',
  });
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{')) onLine(JSON.parse(line) as DeployLine);
  }
  await ended;
  // What failed by itself was told in a line; this is what kept all of it from being deployed.
  const [, message] = /^error: (.*)$/m.exec(Buffer.concat(errors).toString()) ?? [];
  if (message === undefined || signal.aborted) return;
  const [, hint] = /^ hint: (.*)$/m.exec(Buffer.concat(errors).toString()) ?? [];
  throw new TsumugiError('Invalid', message, hint ? { hint } : {});
}
