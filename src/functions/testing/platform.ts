/** A platform without gateway for tests: embedded API, little node, functions; can be stopped and started on the same data. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request as httpRequest, type Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { bundleFunction } from '../../build/bundle.ts';
import { stopEsbuild } from '../../build/esbuild.ts';
import { bundleShim } from '../../build/shim.ts';
import { silentLog } from '../../base/log.ts';
import { type EmbeddedApi, openEmbeddedApi } from '../../embedded/api/index.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { ActivateAnswer, InstanceEntry } from '../../invoke/projection.ts';
import { openFileBlobs } from '../../records/files/blobs.ts';
import type { LogStore } from '../../records/logs.ts';
import { openSqliteLogs } from '../../records/sqlite/logs.ts';
import { openSqliteStore } from '../../records/sqlite/store.ts';
import type { KeyValueStore } from '../../records/store.ts';
import { conditionOf } from '../../resources/conditions.ts';
import { functions as functionResource, revisions as revisionResource } from '../../resources/resources.ts';
import { FrameConnection } from '../../wire/connection.ts';
import { decodeAbort, readHead } from '../../wire/frames.ts';
import { Flag, FrameType } from '../../wire/protocol.ts';
import { openPlatformKeys } from '../model/keys.ts';
import type { FunctionInput, FunctionResource } from '../../resources/function.ts';
import type { RevisionResource } from '../../resources/revision.ts';
import { type Functions, type FunctionsOptions, startFunctions } from '../start.ts';
import { LittleNode } from './little-node.ts';

export class TestPlatform {
  readonly folder = mkdtempSync(join(tmpdir(), 'tsumugi-fn-'));
  api!: EmbeddedApi;
  node!: LittleNode;
  functions!: Functions;
  logs!: LogStore;
  store!: KeyValueStore;
  #server: Server | undefined;

  static async start(): Promise<TestPlatform> {
    const platform = new TestPlatform();
    mkdirSync(join(platform.folder, 'run'));
    const shim = await bundleShim(join(platform.folder, 'shim.cjs'));
    platform.node = new LittleNode(join(platform.folder, 'run'), shim, openPlatformKeys(join(platform.folder, 'pki')).signing.publicKey);
    platform.api = await openEmbeddedApi({ data: platform.folder, listen: false, podAccess: platform.node.podAccess });
    platform.node.start(platform.api.client);
    await platform.startFunctions();
    return platform;
  }

  get client() {
    return this.api.client;
  }

  async startFunctions(
    options: Pick<FunctionsOptions, 'podTimeoutSeconds' | 'loadTimeoutSeconds' | 'clock'> & { client?: KubeClient } = {},
  ): Promise<void> {
    this.logs = openSqliteLogs(join(this.folder, 'records.db'));
    this.store = openSqliteStore(join(this.folder, 'records.db'));
    this.functions = await startFunctions({
      client: this.client,
      blobs: await openFileBlobs(join(this.folder, 'blobs')),
      logs: this.logs,
      store: this.store,
      pki: join(this.folder, 'pki'),
      addressOf: this.node.addressOf,
      gatewayUrl: 'http://127.0.0.1:8080',
      endpoints: { platform: { url: 'https://127.0.0.1:6441' }, kubernetes: { url: 'https://127.0.0.1:6440' } },
      log: silentLog,
      ...options,
    });
    void this.functions.lead({ client: options.client ?? this.client, signal: new AbortController().signal });
    this.#server = createServer(this.functions.handler);
    await new Promise<void>((resolve) => this.#server?.listen(join(this.folder, 'api.sock'), resolve));
  }

  async stopFunctions(): Promise<void> {
    await this.functions.stop();
    await new Promise<unknown>((resolve) => {
      this.#server?.close(resolve);
      this.#server?.closeAllConnections();
    });
    await Promise.all([this.logs.close(), this.store.close()]);
  }

  /** A test that failed between `stopFunctions` and `startFunctions` has stopped them already: its pods go all the same. */
  async stop(): Promise<void> {
    try {
      await this.stopFunctions();
    } finally {
      await this.node.stop();
      await this.api.close();
      await stopEsbuild();
      rmSync(this.folder, { recursive: true });
    }
  }

  /** An object of the Function kind, applied: created or its spec replaced. */
  async apply(name: string, spec: FunctionInput['spec'], namespace = 'default'): Promise<FunctionResource> {
    const object = { apiVersion: 'tsumugi.dev/v1', kind: 'Function', metadata: { name, namespace }, spec } as FunctionResource;
    const old = await this.client.get<FunctionResource>(functionResource, { namespace, name }).catch(() => undefined);
    return old
      ? this.client.patch(functionResource, { namespace, name }, { type: 'merge', body: { spec } })
      : this.client.create(functionResource, object);
  }

  annotate(name: string, annotations: Record<string, string>): Promise<unknown> {
    return this.client.patch(functionResource, { namespace: 'default', name }, { type: 'merge', body: { metadata: { annotations } } });
  }

  inline(name: string, source: string, spec: Partial<FunctionInput['spec']> = {}): Promise<FunctionResource> {
    return this.apply(name, { source: { inline: source }, ...spec });
  }

  async upload(source: string): Promise<string> {
    const { package: bytes } = await bundleFunction({ source, name: 'uploaded', noFiles: true });
    return ((await (await this.http('PUT', '/v1/packages', bytes)).json()) as { id: string }).id;
  }

  function(name: string, namespace = 'default'): Promise<FunctionResource> {
    return this.client.get<FunctionResource>(functionResource, { namespace, name });
  }

  async revisionNames(name: string): Promise<string[]> {
    const { items } = await this.client.list<RevisionResource>(revisionResource, { namespace: 'default' });
    return items
      .filter((each) => each.spec.function === name)
      .map((each) => each.metadata.name)
      .sort();
  }

  /** When the condition Ready of the present generation is as asked. */
  async ready(name: string, status: 'True' | 'False' = 'True'): Promise<FunctionResource> {
    return eventually(async () => {
      const object = await this.function(name);
      const ready = conditionOf(object, 'Ready');
      if (ready?.status !== status || ready.observedGeneration !== object.metadata.generation)
        throw new Error(`Ready is ${JSON.stringify(ready)}`);
      return object;
    });
  }

  /** What a gateway does for a function without a free instance. */
  async activate(name: string, known: readonly string[] = []): Promise<ActivateAnswer> {
    const object = await this.function(name);
    const revision = await this.client.get<RevisionResource>(revisionResource, {
      namespace: 'default',
      name: object.status?.latestReadyRevision ?? '',
    });
    const body = { revisionUid: revision.metadata.uid, namespace: 'default', revision: revision.metadata.name, known };
    const lines = (await (await this.http('POST', '/v1/activate', JSON.stringify(body))).text()).trim().split('\n');
    return JSON.parse(lines.at(-1) ?? '') as ActivateAnswer;
  }

  async instance(name: string, known: readonly string[] = []): Promise<InstanceEntry> {
    const answer = await this.activate(name, known);
    if ('error' in answer) throw new Error(`${answer.error.code}: ${answer.error.message}`);
    return answer.instance;
  }

  /** Activates and calls, as a gateway would. */
  async call(name: string, target = '/'): Promise<string> {
    return invoke(await this.instance(name), target);
  }

  /** Reads lines until aborted. */
  stream(path: string, signal: AbortSignal, onLine: (line: string) => void): Promise<void> {
    return new Promise((resolve) => {
      let rest = '';
      const outgoing = httpRequest({ socketPath: join(this.folder, 'api.sock'), path, agent: false, signal }, (answer) => {
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          const lines = (rest + chunk).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) if (line) onLine(line);
        });
        answer.on('error', () => resolve()).on('close', () => resolve());
      });
      outgoing.on('error', () => resolve()).end();
    });
  }

  http(
    method: string,
    path: string,
    body?: string | Uint8Array,
    signal?: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest(
        { socketPath: join(this.folder, 'api.sock'), path, method, headers, agent: false, ...(signal && { signal }) },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', reject);
          answer.on('end', () =>
            resolve(
              new Response(answer.statusCode === 204 ? null : Buffer.concat(chunks), {
                status: answer.statusCode ?? 0,
                headers: textsOf(answer.headers),
              }),
            ),
          );
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
}

const textsOf = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

/** One GET over the frame protocol; resolves with the body, rejects with the code of an abort. `busy` is the code of BUSY. */
export function invoke(instance: InstanceEntry, target: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const body: Buffer[] = [];
    const take = (flags: number, chunk: Buffer): void => {
      body.push(chunk);
      if ((flags & Flag.END) === 0) return;
      resolve(Buffer.concat(body).toString());
      connection.end();
    };
    const connection = new FrameConnection(connect(instance.address.replace('unix:', '')), {
      frame: (type, flags, _stream, buffer, start, end) => {
        if (type === FrameType.RESPONSE) take(flags, buffer.subarray(readHead(buffer, start, end).bodyStart, end));
        else if (type === FrameType.DATA) take(flags, buffer.subarray(start, end));
        else if (type === FrameType.BUSY || type === FrameType.ABORT) {
          const { code, message } = type === FrameType.BUSY ? { code: 'busy', message: '' } : decodeAbort(buffer, start, end);
          reject(new Error(`${code}: ${message}`));
          connection.end();
        }
      },
      closed: () => reject(new Error('closed')),
    });
    connection.send(FrameType.HELLO, 0, 0, Buffer.from(JSON.stringify({ token: instance.token })));
    const trace = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01';
    connection.sendHead(
      FrameType.REQUEST,
      Flag.END,
      1,
      ['GET', target, `req-${target.slice(1) || 'root'}`, trace, '10000', '', 'http://test'].join('\0'),
    );
  });
}

/** Tries until it does not throw. */
export async function eventually<T>(check: () => T | Promise<T>, timeoutMs = 10_000): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
