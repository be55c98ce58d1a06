/**
 * The least of a node, for tests of this part alone: every pod becomes a real process, of its command, or a shim on a unix socket (or, for an API
 * server without nodes, on port 8700 of a loopback address of its own), its output the pod's log, its end the pod's phase. No isolation, no volumes, no restarts: `embedded/node` does those.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import type { KubeClient } from '../../kube/client.ts';
import { Informer } from '../../kube/informer.ts';
import type { KubeObject } from '../../resources/object.ts';
import { isConflict, isNotFound } from '../../resources/object.ts';
import { pods } from '../../resources/resources.ts';
import { framePort } from '../model/network-policy.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';

interface Running {
  readonly child: ChildProcess;
  readonly lines: string[];
  readonly ended: Promise<void>;
}

export class LittleNode {
  readonly #folder: string;
  readonly #shim: string;
  readonly #publicKey: string;
  readonly #running = new Map<string, Running>();
  readonly #stop = new AbortController();
  #client: KubeClient | undefined;
  #informing: Promise<void> | undefined;
  /** Processes started since the beginning. */
  started = 0;

  readonly #withAddresses: boolean;

  constructor(folder: string, shim: string, publicKey: string, { withAddresses = false }: { withAddresses?: boolean } = {}) {
    this.#withAddresses = withAddresses;
    this.#folder = folder;
    this.#shim = shim;
    this.#publicKey = publicKey;
  }

  readonly addressOf = (pod: Pod): string => `unix:${this.#socket(pod.metadata.uid ?? '')}`;

  /** For the API server's log subresource. */
  readonly podAccess = {
    log: (pod: KubeObject, options: { timestamps: boolean }): AsyncIterable<Uint8Array> => this.#log(pod, options.timestamps),
  };

  start(client: KubeClient): void {
    this.#client = client;
    const informer = new Informer<Pod>(client, pods);
    informer.on(({ type, object }) => {
      const uid = object.metadata.uid ?? '';
      if (type === 'deleted') this.#kill(uid);
      else if (object.metadata.deletionTimestamp) this.#running.get(uid)?.child.kill('SIGTERM');
      else if (!this.#running.has(uid) && !object.status?.phase?.match(/Succeeded|Failed/)) this.#run(object);
    });
    this.#informing = informer.start(this.#stop.signal);
  }

  /** The process of a pod, to do it harm. */
  processOf(podName: string): ChildProcess | undefined {
    return [...this.#running.values()].find(({ child }) => child.spawnargs.includes(`--title=${podName}`))?.child;
  }

  isRunning(podName: string): boolean {
    const child = this.processOf(podName);
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#informing;
    for (const uid of this.#running.keys()) this.#kill(uid);
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  #socket(uid: string): string {
    return join(this.#folder, `${uid.slice(0, 13)}.sock`);
  }

  #kill(uid: string): void {
    this.#running.get(uid)?.child.kill('SIGKILL');
  }

  #run(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    const folder = join(this.#folder, uid);
    const [cwd, secrets, configs] = ['work', 'secrets', 'configs'].map((name) => join(folder, name)) as [string, string, string];
    for (const path of [cwd, secrets, configs]) mkdirSync(path, { recursive: true });
    const n = this.started++;
    // Each process has a network of its own, as far as the loopback goes.
    const ip = `127.${(process.pid % 200) + 1}.${n >> 8}.${(n & 255) + 1}`;
    const listen = this.#withAddresses ? `tcp:${ip}:${framePort}` : `unix:${this.#socket(uid)}`;
    const [program = process.execPath, ...words] = pod.spec.containers[0]?.command ?? [
      process.execPath,
      `--title=${pod.metadata.name}`,
      '--enable-source-maps',
      this.#shim,
    ];
    const child = spawn(program, words, {
      cwd,
      env: {
        JOB_COMPLETION_INDEX: pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index'],
        TSUMUGI_POD_UID: uid,
        TSUMUGI_LISTEN: listen,
        TSUMUGI_PUBLIC_KEY: this.#publicKey,
        TSUMUGI_SECRETS: secrets,
        TSUMUGI_CONFIGS: configs,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const lines: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        for (const line of text.split('\n')) if (line) lines.push(`${stamp()} ${line}`);
      });
    }
    const running = { phase: 'Running', startTime: new Date().toISOString() };
    const begun = this.#withAddresses
      ? this.#report(pod, { ...running, podIP: ip, podIPs: [{ ip }] })
      : // To bind a pod to a node there must be one.
        this.#patch(pod, { spec: { nodeName: 'little' } }, { subresource: 'binding' }).then(() => this.#report(pod, running));
    const ended = new Promise<void>((resolve) => {
      child.once('close', (code) => {
        resolve();
        if (this.#stop.signal.aborted) return;
        void begun.then(() => this.#report(pod, endedStatus(pod, code ?? 137))).then(() => this.#finalise(pod));
      });
    });
    this.#running.set(uid, { child, lines, ended });
  }

  #report(pod: Pod, status: object): Promise<void> {
    return this.#patch(pod, { status }, { subresource: 'status' });
  }

  async #patch(pod: Pod, body: object, options?: { subresource: string }): Promise<void> {
    const { namespace = '', name } = pod.metadata;
    try {
      await this.#client?.patch(pods, { namespace, name }, { type: 'merge', body }, options);
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error) && !this.#stop.signal.aborted) throw error;
    }
  }

  /** A pod that was deleted with grace goes when its process has. */
  async #finalise({ metadata: { namespace = '', name, uid = '' } }: Pod): Promise<void> {
    const now = await this.#client?.get<Pod>(pods, { namespace, name }).catch(() => undefined);
    if (now?.metadata.uid !== uid || !now.metadata.deletionTimestamp) return;
    await this.#client?.delete(pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } }).catch(() => undefined);
  }

  async *#log(pod: KubeObject, timestamps: boolean): AsyncGenerator<Uint8Array> {
    for (const line of this.#running.get(pod.metadata.uid ?? '')?.lines ?? []) {
      yield Buffer.from(`${timestamps ? line : line.slice(line.indexOf(' ') + 1)}\n`);
    }
  }
}

function endedStatus({ spec }: Pod, exitCode: number): object {
  const [{ name, image } = { name: '', image: '' }] = spec.containers;
  const terminated = { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error' };
  const container = { name, image, imageID: '', ready: false, restartCount: 0, state: { terminated } };
  return { phase: exitCode === 0 ? 'Succeeded' : 'Failed', containerStatuses: [container] };
}

let last = 0n;
const offset = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();

/** RFC 3339 with nanoseconds, each later than the one before. */
function stamp(): string {
  const now = process.hrtime.bigint() + offset;
  last = now > last ? now : last + 1n;
  const ms = Number(last / 1_000_000n);
  return `${new Date(ms).toISOString().slice(0, 19)}.${String(last % 1_000_000_000n).padStart(9, '0')}Z`;
}
