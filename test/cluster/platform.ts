/** The platform's processes on an API server without nodes: controllers and gateways as they run in pods, pods as shims on loopback addresses. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { bundleShim } from '../../src/build/shim.ts';
import { stopEsbuild } from '../../src/build/esbuild.ts';
import { keysFrom } from '../../src/functions/model/keys.ts';
import { LittleNode } from '../../src/functions/testing/little-node.ts';
import { secretNames } from '../../src/install/parts.ts';
import { createHttpClient, type HttpKubeClient } from '../../src/kube/http/client.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';
import type { KubeObject } from '../../src/resources/object.ts';
import { namespaces, pods, runtimes, secrets } from '../../src/resources/resources.ts';
import { cleanEnv } from '../e2e/platform.ts';
import { postgresPrograms, startPostgres, type PostgresCluster } from '../services/postgres-cluster.ts';
import { installKinds } from './custom-kinds.ts';

/** A process of ours. */
export interface Part {
  readonly pid: number;
  /** `http://127.0.0.1:PORT`: metrics and probes, or the gateway itself. */
  readonly url: string;
  readonly log: readonly string[];
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

type Secret = KubeObject & { readonly data?: Readonly<Record<string, string>> };

export class ClusterPlatform {
  readonly client: HttpKubeClient;
  readonly namespace = `controller-system-${process.pid}`;
  readonly functionNamespace = `controller-functions-${process.pid}`;
  readonly #kubeconfig: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'tsumugi-c-'));
  readonly #running = new Set<ChildProcess>();
  #database = '';
  #postgres: PostgresCluster | undefined;
  #node: LittleNode | undefined;

  private constructor(kubeconfig: string, client: HttpKubeClient) {
    this.#kubeconfig = kubeconfig;
    this.client = client;
  }

  /** Kinds, namespaces and the database; no process of ours yet. */
  static async open(kubeconfig: string): Promise<ClusterPlatform> {
    const programs = postgresPrograms();
    if (programs === undefined) throw new Error('there is no PostgreSQL here: apt-get install postgresql');
    const platform = new ClusterPlatform(kubeconfig, createHttpClient(await loadConnection({ path: kubeconfig })));
    await installKinds(platform.client);
    for (const name of [platform.namespace, platform.functionNamespace])
      await platform.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    platform.#postgres = await startPostgres(programs);
    platform.#database = platform.#postgres.createDatabase('records');
    return platform;
  }

  async controller(name: string): Promise<Part & { readonly platform: string }> {
    const env = { TSUMUGI_SYSTEM_NAMESPACE: this.namespace, TSUMUGI_DATABASE_URL: this.#database, TSUMUGI_POD_NAME: name };
    const flags = ['--kubeconfig', this.#kubeconfig, '--host', '127.0.0.1', '--platform-port', '0', '--metrics-port', '0'];
    const part = await this.#start('controller', flags, env, ['metrics', 'platform']);
    return { ...part, url: part.said['metrics'] ?? '', platform: `https://localhost:${portOf(part.said['platform'])}` };
  }

  async gateway(controllers: readonly { readonly platform: string }[]): Promise<Part> {
    const credentials = join(this.#folder, 'credentials');
    mkdirSync(credentials, { recursive: true });
    for (const [key, value] of Object.entries(await this.secret(secretNames.gateway))) writeFileSync(join(credentials, key), value);
    const platform = controllers.map((each) => each.platform).join(',');
    const flags = ['--platform', platform, '--credentials', credentials, '--host', '127.0.0.1', '--port', '0', '--metrics-port', '0'];
    const part = await this.#start('gateway', flags, {}, ['gateway']);
    return { ...part, url: part.said['gateway'] ?? '' };
  }

  /** From now on pods become processes. */
  async startNode(): Promise<void> {
    const platform = await this.secret(secretNames.platform);
    const { signing } = keysFrom({ signing: platform['signing.pem'] ?? '', instances: platform['instances.key'] ?? '' });
    const shim = await bundleShim(join(this.#folder, 'node.cjs'));
    this.#node = new LittleNode(this.#folder, shim, signing.publicKey, { withAddresses: true });
    this.#node.start(this.client);
  }

  async secret(name: string): Promise<Readonly<Record<string, string>>> {
    const { data = {} } = await this.client.get<Secret>(secrets, { namespace: this.namespace, name });
    return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running].map((child) => ended(child, 'SIGKILL')));
    const { items } = await this.client.list(pods, { namespace: this.functionNamespace });
    for (const { metadata } of items) await this.client.delete(pods, { namespace: this.functionNamespace, name: metadata.name });
    for (const name of [this.namespace, this.functionNamespace]) await this.client.delete(namespaces, { name });
    await this.client.delete(runtimes, { name: 'node' }).catch(() => undefined);
    await this.#node?.stop();
    await stopEsbuild();
    this.client.close();
    this.#postgres?.close();
    rmSync(this.#folder, { recursive: true });
  }

  /** Resolves when its log has said all of `wanted`. */
  async #start(
    command: string,
    flags: readonly string[],
    env: NodeJS.ProcessEnv,
    wanted: readonly string[],
  ): Promise<Part & { readonly said: Readonly<Record<string, string>> }> {
    const child = spawn(process.execPath, [resolve('bin/tsumugi.js'), command, ...flags], {
      env: { ...cleanEnv(), ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#running.add(child);
    child.once('close', () => this.#running.delete(child));
    const log: string[] = [];
    const said: Record<string, string> = {};
    await new Promise<void>((found, failed) => {
      createInterface({ input: child.stderr }).on('line', (line) => {
        log.push(line);
        const entry = line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : {};
        for (const key of wanted) if (typeof entry[key] === 'string') said[key] = entry[key];
        if (wanted.every((key) => said[key] !== undefined)) found();
      });
      child.once('close', (code) => failed(new Error(`${command} ended with ${code}:\n${log.join('\n')}`)));
    });
    return { pid: child.pid ?? 0, url: '', log, said, kill: (signal) => ended(child, signal) };
  }
}

const portOf = (url = ''): string => new URL(url).port;

function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  return new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) return done(child.exitCode);
    child.once('close', done);
    child.kill(signal);
  });
}
