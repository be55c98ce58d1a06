/** The API server is away: what is there serves on, what would need it waits, and nothing that cannot be replaced is taken away. */
import { afterAll, beforeAll, expect, it } from 'vitest';

import type { KubeClient } from '../kube/client.ts';
import { ApiError } from '../resources/object.ts';
import { pods, secrets } from '../resources/resources.ts';
import type { Pod } from '../resources/builtin/pod-types.ts';
import { eventually, TestPlatform } from './testing/platform.ts';

/** A client whose server can go away, and come back. */
class Absentee {
  #gone = new AbortController();

  leave(): void {
    this.#gone.abort();
  }

  comeBack(): void {
    this.#gone = new AbortController();
  }

  of(client: KubeClient): KubeClient {
    const away = (): ApiError =>
      new ApiError({
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        reason: 'ServiceUnavailable',
        code: 503,
        message: 'no answer',
      });
    const ask = async <T>(work: () => Promise<T>): Promise<T> => {
      if (this.#gone.signal.aborted) throw away();
      return work();
    };
    const gone = (): AbortSignal => this.#gone.signal;
    return {
      get: (resource, key) => ask(() => client.get(resource, key)),
      list: (resource, options) => ask(() => client.list(resource, options)),
      raw: (path, options) => ask(() => client.raw(path, options)),
      create: (resource, object, options) => ask(() => client.create(resource, object, options)),
      update: (resource, object, options) => ask(() => client.update(resource, object, options)),
      patch: (resource, key, patch, options) => ask(() => client.patch(resource, key, patch, options)),
      delete: (resource, key, options) => ask(() => client.delete(resource, key, options)),
      async *watch(resource, options = {}) {
        const left = gone();
        yield* client.watch(resource, { ...options, signal: options.signal ? AbortSignal.any([options.signal, left]) : left });
        if (left.aborted) throw away();
      },
    };
  }
}

const api = new Absentee();
let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
  await platform.stopFunctions();
  await platform.startFunctions({ client: api.of(platform.client), podTimeoutSeconds: 3 });
});
afterAll(() => platform.stop());

/** Names of the functions whose the pods are; `generic` for the others that run. */
const running = async (): Promise<readonly string[]> =>
  (await platform.client.list<Pod>(pods, { namespace: 'default' })).items
    .filter(({ status }) => status?.phase === 'Running')
    .map(({ metadata }) => metadata.labels?.['tsumugi.dev/function'] ?? 'generic')
    .toSorted();
const codeOf = async (name: string): Promise<string> => {
  const answer = await platform.activate(name);
  return 'error' in answer ? answer.error.code : 'Ok';
};

it('the pool goes on serving cold calls; those who find it empty wait, and instances that idle stay', { timeout: 30_000 }, async () => {
  await platform.client.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'default', name: 'key' } });
  await platform.inline('secretive', `export default () => 'secretive';`, { secrets: ['key'] });
  for (const name of ['a', 'b', 'c', 'd']) await platform.inline(name, `export default () => '${name}';`);
  await platform.inline('idle', `export default () => 'idle';`, { scale: { idleTimeoutSeconds: 1 } });
  for (const name of ['secretive', 'a', 'b', 'c', 'd', 'idle']) await platform.ready(name);
  const idle = await platform.instance('idle');
  await eventually(async () => expect(await running()).toEqual(['generic', 'generic', 'generic', 'idle']));

  api.leave();
  // Its Secret cannot be read: that costs no pod, and may be tried again.
  expect(await codeOf('secretive')).toBe('Unavailable');
  for (const name of ['a', 'b', 'c']) expect(await platform.call(name)).toBe(name);
  // Its time to wait is longer than the idle one's.
  expect(await codeOf('d')).toBe('Timeout');
  expect((await platform.instance('idle')).id).toBe(idle.id);

  const waiting = platform.call('d');
  api.comeBack();
  expect(await waiting).toBe('d');
  expect(await platform.call('secretive')).toBe('secretive');
  // What could not be written is written now, and what idles goes.
  const instances = ['a', 'b', 'c', 'd', 'generic', 'generic', 'generic', 'secretive'];
  await eventually(async () => expect(await running()).toEqual(instances));
});
