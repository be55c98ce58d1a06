/** What carries functions: the embedded cluster of `tsumugi up`, or a Kubernetes. The suite knows no more of it than this. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nameSuffix } from '../../src/base/ids.ts';
import type { ConnectOptions } from '../../src/client/index.ts';
import type { Kubectl } from '../e2e/kubectl.ts';
import type { Run } from '../e2e/platform.ts';
import type { KubeObject } from '../../src/resources/object.ts';
import type { Pod } from '../../src/resources/builtin/pod-types.ts';

export interface Substrate {
  /** A namespace of the suite's own, empty at the beginning. */
  readonly namespace: string;
  /** Seconds until what takes pods to start or to go must have happened. */
  readonly patience: number;
  /** An image with a shell. */
  readonly image: string;
  /** How a program reaches it. */
  readonly connection: ConnectOptions;
  /** The real kubectl; undefined where this machine has none. */
  readonly kubectl: Kubectl | undefined;
  /** A tsumugi command on this substrate, to its end. */
  tsumugi(args: readonly string[], input?: string): Promise<Run>;
  /** A request to the gateway. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Leaves nothing of it behind. */
  stop(): Promise<void>;
}

/** What the tests do on a substrate, in its namespace. */
export class World {
  readonly substrate: Substrate;
  readonly #folder = mkdtempSync(join(tmpdir(), 'tsumugi-suite-'));

  constructor(substrate: Substrate) {
    this.substrate = substrate;
  }

  /** A command with `-n NAMESPACE`. */
  run(...args: string[]): Promise<Run> {
    return this.substrate.tsumugi([...args, '-n', this.substrate.namespace]);
  }

  /** stdout of a command that must work. */
  async ok(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...args);
    if (code !== 0) throw new Error(`tsumugi ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  file(name: string, text: string): string {
    const path = join(this.#folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** Deploys the source as a function of that name; throws where that fails. */
  async deploy(name: string, source: string, ...flags: string[]): Promise<void> {
    await this.ok('deploy', this.file(`${name}.ts`, source), '--wait-timeout', `${this.substrate.patience}s`, ...flags);
  }

  apply(manifest: string): Promise<Run> {
    // Several may be applied at once.
    return this.run('apply', '-f', this.file(`manifest-${nameSuffix()}.yaml`, manifest));
  }

  /** A request to a function. */
  fetch(name: string, path = '', init?: RequestInit): Promise<Response> {
    return this.substrate.fetch(`/function/${name}.${this.substrate.namespace}${path}`, init);
  }

  async text(name: string, path = ''): Promise<string> {
    return (await this.fetch(name, path)).text();
  }

  /** The living pods with these labels. */
  async pods(selector: string): Promise<readonly Pod[]> {
    const { items } = JSON.parse(await this.ok('get', 'pods', '-l', selector, '-o', 'json')) as { items: Pod[] };
    return items.filter(
      ({ metadata, status }) => metadata.deletionTimestamp === undefined && !/Succeeded|Failed/.test(status?.phase ?? ''),
    );
  }

  async object<T extends KubeObject>(kind: string, name: string): Promise<T> {
    return JSON.parse(await this.ok('get', kind, name, '-o', 'json')) as T;
  }

  async stop(): Promise<void> {
    rmSync(this.#folder, { recursive: true });
    await this.substrate.stop();
  }
}
