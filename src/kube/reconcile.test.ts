import { describe, expect, it, vi } from 'vitest';
import { TsumugiError } from '../base/errors.ts';
import { ApiError } from '../resources/object.ts';
import { type ConfigMap, configMaps } from './contract/bench.contract.ts';
import { Informer } from './informer.ts';
import { judge, keysOf, type Outcome, type Reconcile, runController } from './reconcile.ts';
import { closeAfterEach, maps, onTestEnd, openTestApi } from './testing/embedded.ts';

closeAfterEach();

const apiError = (code: number, reason: string, retryAfterSeconds?: number): ApiError =>
  new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    code,
    reason,
    ...(retryAfterSeconds && { details: { retryAfterSeconds } }),
  });

async function controllerOf(reconcile: Reconcile): Promise<{
  client: Awaited<ReturnType<typeof openTestApi>>['client'];
  runs: string[];
  enqueue: (key: string) => void;
  stop: () => Promise<void>;
}> {
  const { client } = await openTestApi();
  const abort = new AbortController();
  const runs: string[] = [];
  const informer = new Informer<ConfigMap>(client, configMaps, { namespace: 'default' });
  const informing = informer.start(abort.signal);
  const controller = runController({
    name: 'test',
    informers: [keysOf(informer)],
    reconcile,
    firstDelay: 5,
    signal: abort.signal,
    onRun: ({ key, outcome }) => runs.push(`${key} ${outcome}`),
  });
  const stop = async (): Promise<void> => {
    abort.abort();
    await Promise.all([controller.done, informing]);
  };
  onTestEnd(stop);
  return { client, runs, enqueue: (key) => controller.enqueue(key), stop };
}

describe('runController', () => {
  it('reconciles what is there, and what changes', async () => {
    const { client, runs } = await controllerOf(async () => undefined);
    await maps.create(client, 'a');
    await vi.waitFor(() => expect(runs).toEqual(['default/a done']));
    await maps.patch(client, 'a', { data: { x: '1' } });
    await vi.waitFor(() => expect(runs).toHaveLength(2));
    await maps.delete(client, 'a');
    await vi.waitFor(() => expect(runs).toHaveLength(3));
  });

  it('looks again when asked to', async () => {
    let left = 3;
    const { client, runs } = await controllerOf(async () => (--left > 0 ? { again: 0.01 } : undefined));
    await maps.create(client, 'a');
    await vi.waitFor(() => expect(runs).toEqual(['default/a again', 'default/a again', 'default/a done']));
  });

  it('tries again after failures, but not what failed for good', async () => {
    const errors: Record<string, Error> = {
      'default/invalid': apiError(422, 'Invalid'),
      'default/absent': apiError(404, 'NotFound'),
      'default/terminal': new TsumugiError('LoadError', 'syntax error'),
    };
    const failing = new Map([
      ['default/conflict', 2],
      ['default/away', 2],
    ]);
    const { client, runs } = await controllerOf(async (key) => {
      if (errors[key]) throw errors[key];
      const left = failing.get(key) ?? 0;
      failing.set(key, left - 1);
      if (left > 0) throw key.endsWith('conflict') ? apiError(409, 'Conflict') : new Error('connection reset');
    });
    for (const name of ['invalid', 'absent', 'terminal', 'conflict', 'away']) await maps.create(client, name);
    const count = (key: string, outcome: Outcome): number => runs.filter((run) => run === `default/${key} ${outcome}`).length;
    await vi.waitFor(() => expect([count('conflict', 'done'), count('away', 'done')]).toEqual([1, 1]));
    expect([count('conflict', 'conflict'), count('away', 'retry')]).toEqual([2, 2]);
    expect([count('invalid', 'terminal'), count('absent', 'dropped'), count('terminal', 'terminal')]).toEqual([1, 1, 1]);
    // A change is a new chance.
    await maps.patch(client, 'invalid', { data: { x: '1' } });
    await vi.waitFor(() => expect(count('invalid', 'terminal')).toBe(2));
  });

  it('takes keys from outside, also before its informers have synced', async () => {
    const { runs, enqueue } = await controllerOf(async () => undefined);
    enqueue('default/hint');
    expect(runs).toEqual([]);
    await vi.waitFor(() => expect(runs).toEqual(['default/hint done']));
  });

  it('on stop lets the running reconcile end and begins nothing more', async () => {
    const gate = Promise.withResolvers<void>();
    const started: string[] = [];
    const { enqueue, runs, stop } = await controllerOf(async (key, { signal }) => {
      started.push(key);
      await gate.promise;
      expect(signal.aborted).toBe(true);
    });
    enqueue('slow');
    await vi.waitFor(() => expect(started).toEqual(['slow']));
    const stopping = stop();
    enqueue('late');
    gate.resolve();
    await stopping;
    expect([started, runs]).toEqual([['slow'], ['slow done']]);
  });

  it('maps the objects of an informer to other keys, of old and new states', async () => {
    const { client } = await openTestApi();
    const informer = new Informer<ConfigMap>(client, configMaps, { namespace: 'default' });
    const abort = new AbortController();
    onTestEnd(async () => {
      abort.abort();
      await informer.start(abort.signal);
    });
    const keys: string[] = [];
    const source = keysOf(informer, (map) => [map.data?.['group'] ?? 'none']);
    void informer.start(abort.signal);
    await source.synced();
    source.subscribe((key) => keys.push(key));
    await maps.create(client, 'a', { group: 'one' });
    await maps.patch(client, 'a', { data: { group: 'two' } });
    await vi.waitFor(() => expect(keys).toEqual(['one', 'one', 'two']));
  });
});

describe('judge', () => {
  it.each([
    [apiError(409, 'Conflict'), { outcome: 'conflict' }],
    [apiError(409, 'AlreadyExists'), { outcome: 'retry' }],
    [apiError(404, 'NotFound'), { outcome: 'dropped' }],
    [apiError(422, 'Invalid'), { outcome: 'terminal' }],
    [apiError(400, 'BadRequest'), { outcome: 'terminal' }],
    [apiError(403, 'Forbidden'), { outcome: 'retry' }],
    [apiError(429, 'TooManyRequests', 7), { outcome: 'retry', after: 7 }],
    [new TsumugiError('Unavailable', 'x', { retryAfterSeconds: 3 }), { outcome: 'retry', after: 3 }],
    [new TsumugiError('Conflict', 'x'), { outcome: 'conflict' }],
    [new TsumugiError('Invalid', 'x'), { outcome: 'terminal' }],
    [new TsumugiError('NotFound', 'x'), { outcome: 'dropped' }],
    [new TsumugiError('Internal', 'x'), { outcome: 'retry' }],
    ['thrown text', { outcome: 'retry' }],
  ])('%s', (error, verdict) => {
    expect(judge(error)).toEqual(verdict);
  });
});
