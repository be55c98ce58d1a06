/** Real kubectl for tests: finding it, running it against one server, and making its output comparable. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { openTerminal } from './terminal.ts';
import type { Size, Terminal } from './terminal.ts';

const run = promisify(execFile);
const oldest = 27;

export interface KubectlProgram {
  readonly path: string;
  readonly minor: number;
}

/** Each kubectl >= 1.27 of `$KUBECTL` (one, or several with `:`) and of PATH, one of each minor version, the newest first. */
export async function findKubectls(): Promise<readonly KubectlProgram[]> {
  const named = process.env['KUBECTL']?.split(delimiter) ?? [];
  const inPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'kubectl'));
  const found = new Map<number, KubectlProgram>();
  for (const path of new Set([...named, ...inPath])) {
    if (!existsSync(path)) continue;
    const { stdout } = await run(path, ['version', '--client', '-o', 'json']).catch(() => ({ stdout: '{}' }));
    const minor = Number.parseInt((JSON.parse(stdout) as { clientVersion?: { minor?: string } }).clientVersion?.minor ?? '0', 10);
    if (minor >= oldest && !found.has(minor)) found.set(minor, { path, minor });
  }
  return [...found.values()].toSorted((a, b) => b.minor - a.minor);
}

/** The newest of them, or why there is none. */
export async function findKubectl(): Promise<KubectlProgram | { readonly missing: string }> {
  const [newest] = await findKubectls();
  return newest ?? { missing: `no kubectl >= 1.${oldest} in $KUBECTL or PATH` };
}

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** kubectl on one server, with a home of its own (its discovery cache). */
export class Kubectl {
  readonly #path: string;
  readonly #home: string;
  readonly #kubeconfig: string;

  constructor(path: string, kubeconfig: string) {
    this.#path = path;
    this.#home = mkdtempSync(join(tmpdir(), 'tsumugi-kubectl-'));
    this.#kubeconfig = join(this.#home, 'kubeconfig');
    writeFileSync(this.#kubeconfig, kubeconfig, { mode: 0o600 });
  }

  get #env(): NodeJS.ProcessEnv {
    // A process that lives for so short need not collect garbage: a quarter less of its time.
    return { PATH: process.env['PATH'], HOME: this.#home, KUBECONFIG: this.#kubeconfig, GOGC: 'off' };
  }

  /** Puts files where its commands run. */
  write(files: Readonly<Record<string, string>>): void {
    for (const [name, content] of Object.entries(files)) {
      const path = join(this.#home, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
  }

  /** Output without the paths of this run and the address of the server. */
  withoutPlaces(text: string): string {
    return text.replaceAll(this.#home, 'HOME').replaceAll(/https:\/\/(127\.0\.0\.1|localhost):\d+/g, 'SERVER');
  }

  /** Never rejects: the exit code is part of the result. `input` goes to stdin. */
  run(args: readonly string[], input: string | Buffer = '', env: Readonly<Record<string, string>> = {}): Promise<Result> {
    return new Promise((resolve) => {
      const options = { env: { ...this.#env, ...env }, cwd: this.#home, timeout: 60_000 };
      const child = execFile(this.#path, args, options, (error, stdout, stderr) => {
        resolve({ code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, stdout, stderr });
      });
      // A command that ends before it has read all is no failure of the test.
      child.stdin?.on('error', () => {});
      child.stdin?.end(input);
    });
  }

  /** stdout of a command that must work. */
  async ok(args: readonly string[], input = ''): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, input);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  /** A command that goes on (`-w`, `-f`): its output so far, and how to end it. */
  follow(args: readonly string[]): { readonly lines: () => string[]; readonly stop: () => Promise<void> } {
    const child = spawn(this.#path, args, { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part: string) => (text += part));
    const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
    return {
      lines: () => text.split('\n').filter((line) => line !== ''),
      stop: async () => {
        child.kill();
        await ended;
      },
    };
  }

  /** A command at a terminal of its own. */
  terminal(args: readonly string[], size: Size): Promise<Terminal> {
    return openTerminal([this.#path, ...args], this.#env, size);
  }

  close(): void {
    rmSync(this.#home, { recursive: true });
  }
}

/**
 * Without what differs from run to run (ages, times, uids, versions, widths of columns) and what only a whole Kubernetes has:
 * its CA's ConfigMap in every namespace, what admission adds to a pod, Go's dump of the fields of a pod that may not change, quotas,
 * its order of fields in an object that an error repeats, and what a library of kubectl logs when its watch ends early.
 */
export function normalised(text: string): string {
  return (
    text
      .replaceAll(/.*\bkube-root-ca\.crt +.*\n|configmap\/kube-root-ca\.crt\n/g, '')
      .replaceAll(/^(Priority|Service Account): .*\n|^Tolerations:.*\n( .*op=Exists.*\n)*/gm, '')
      .replaceAll(/^@@ -\d[\s\S]*?\n(\n|$(?![\s\S]))/gm, '')
      .replaceAll(/^[IW]\d{4} .*\.go:\d+\].*\n/gm, '')
      .replaceAll(/\n+No (resource quota|LimitRange resource)\.(?=\n)/g, '')
      .replaceAll(/Invalid value: "\{.*\}"/g, 'Invalid value: "{…}"')
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UID')
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'TIME')
      .replaceAll(/\b(LIVE|MERGED|kubectl-edit|kubectl_replace)[-_]\d+/g, '$1')
      .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ [+-]\d{4}/g, 'TIME')
      .replaceAll(/(resourceVersion"?: )"\d+"/g, '$1"RV"')
      .replaceAll(/(Resource Version: +)\d+/g, '$1RV')
      .replaceAll(/\b\d+(s|m\d*s?)\b/g, 'AGE')
      .replaceAll(/(^|\n)(Creation|Start) Time:.*|CreationTimestamp:.*/g, '$1TIME')
      // What the server or a controller appends to make a name.
      .replaceAll(/\b(work-(?:\w+-)*)[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, '$1xxxxx')
      .replaceAll(/ {2,}/g, '  ')
      .replaceAll(/ +(?=\n|$)/g, '')
  );
}
