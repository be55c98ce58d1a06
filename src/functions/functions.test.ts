/** Functions against the embedded API and real shim processes: from a manifest to an answer. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { ObjectKey } from '../kube/client.ts';
import type { Resource } from '../resources/object.ts';
import { functions, pods, routes, runtimes } from '../resources/resources.ts';
import { conditionOf } from '../resources/conditions.ts';
import type { Pod } from '../resources/builtin/pod-types.ts';
import type { FunctionResource } from '../resources/function.ts';
import type { RouteResource } from '../resources/route.ts';
import { eventually, TestPlatform } from './testing/platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

const poolPods = async (): Promise<readonly Pod[]> =>
  (await platform.client.list<Pod>(pods, { namespace: 'default', labelSelector: 'tsumugi.dev/runtime=node' })).items;
const generic = async (): Promise<readonly Pod[]> =>
  (await poolPods()).filter((pod) => !pod.metadata.labels?.['tsumugi.dev/function'] && pod.status?.phase === 'Running');

describe('a function of inline source', () => {
  it('becomes a revision and is Ready with its URL and exports', async () => {
    await platform.inline(
      'hello',
      `export default (request: Request) => 'hello ' + new URL(request.url).pathname; export const add = (a: number, b: number) => a + b;`,
    );
    const object = await platform.ready('hello');
    expect(object.status).toMatchObject({
      latestReadyRevision: 'hello-00001',
      url: 'http://127.0.0.1:8080/function/hello',
      exports: ['add'],
      observedGeneration: 1,
    });
  });

  it('gets a pool of three generic pods in its namespace', async () => {
    const waiting = await eventually(async () => {
      const found = await generic();
      expect(found).toHaveLength(3);
      return found;
    });
    expect(waiting[0]?.metadata.ownerReferences).toMatchObject([{ kind: 'Runtime', name: 'node' }]);
  });

  it('answers from a pod of the pool, which is labelled and replaced behind', async () => {
    const instance = await platform.instance('hello');
    expect(await platform.call('hello', '/world')).toBe('hello /world');
    const pod = await eventually(async () => {
      const found = (await poolPods()).find((each) => each.metadata.uid === instance.id);
      expect(found?.metadata.labels).toEqual({
        'tsumugi.dev/runtime': 'node',
        'tsumugi.dev/function': 'hello',
        'tsumugi.dev/revision': 'hello-00001',
      });
      return found;
    });
    expect(pod?.metadata.ownerReferences).toMatchObject([{ kind: 'Revision', name: 'hello-00001' }]);
    await eventually(async () => expect(await generic()).toHaveLength(3));
  });

  it('serves the next calls with the same instance', async () => {
    expect((await platform.instance('hello')).id).toBe((await platform.instance('hello')).id);
  });
});

describe('a function that cannot be', () => {
  it('says where the code is wrong', async () => {
    await platform.inline('broken', 'export default () => {\n  return a b;\n};');
    expect(conditionOf(await platform.ready('broken', 'False'), 'Ready')).toMatchObject({
      reason: 'BuildFailed',
      message: expect.stringMatching(/^broken\.ts:2:12: /),
    });
    const gone = new AbortController();
    const told = Promise.withResolvers<string>();
    void platform.stream('/v1/projection', gone.signal, (line) => line.includes('"name":"broken"') && told.resolve(line));
    expect(await told.promise).toContain('"unreadyCode":"BuildFailed"');
    gone.abort();
  });

  it('says which Secret is missing, and is Ready once it is there', async () => {
    await platform.inline('needs', 'export default () => process.env.KEY;', { secrets: ['keys'] });
    expect(conditionOf(await platform.ready('needs', 'False'), 'Ready')).toMatchObject({
      reason: 'SecretMissing',
      message: expect.stringContaining('kubectl create secret generic'),
    });
    await platform.client.create({ group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true }, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'keys', namespace: 'default' },
      data: { KEY: Buffer.from('s3cret').toString('base64') },
    } as never);
    await platform.ready('needs');
    expect(await platform.call('needs')).toBe('s3cret');
  });

  it('says which Runtimes there are', async () => {
    await platform.inline('odd', 'export default 1;', { runtime: 'cobol' });
    expect(conditionOf(await platform.ready('odd', 'False'), 'Ready')).toMatchObject({
      reason: 'RuntimeMissing',
      message: expect.stringContaining('there are: binary, node'),
    });
  });

  it('that throws while it is loaded tells its caller the line', async () => {
    await platform.inline('thrower', 'const a = 1;\nthrow new Error("not today");\nexport default () => a;');
    await platform.ready('thrower');
    const answer = await platform.activate('thrower');
    expect(answer).toMatchObject({ error: { code: 'LoadError', message: expect.stringMatching(/not today[^]*thrower\.ts:2/) } });
    expect(conditionOf(await platform.ready('thrower', 'False'), 'Ready')).toMatchObject({ reason: 'RevisionFailed' });
    await eventually(async () =>
      expect(await (await platform.http('GET', '/v1/namespaces/default/functions/thrower/logs')).text()).toContain('not today'),
    );
  });
});

describe('a new revision that cannot be loaded', () => {
  it('does not get the traffic of the one before it either when that has no instances any more', async () => {
    await platform.inline('steady', 'export default () => "good";');
    await platform.ready('steady');
    const instance = await platform.instance('steady');
    await platform.inline('steady', 'throw new Error("bad"); export default () => 1;');
    await platform.ready('steady', 'False');
    const key = { namespace: 'default', name: 'steady' };
    await platform.client.delete(pods, { namespace: 'default', name: instance.pod }, { gracePeriodSeconds: 0 });
    await eventually(async () => expect((await poolPods()).map((pod) => pod.metadata.uid)).not.toContain(instance.id));
    // Something makes the controller look again.
    await platform.client.patch(functions, key, { type: 'merge', body: { spec: { scale: { max: 7 } } } });
    const { status } = await platform.ready('steady', 'False');
    expect(status?.latestReadyRevision).toBe('steady-00001');
    expect(await platform.call('steady')).toBe('good');
  });
});

describe('a function that shall be proven', () => {
  const apply = (name: string, inline: string): Promise<unknown> =>
    platform.client.create(functions, {
      apiVersion: 'tsumugi.dev/v1',
      kind: 'Function',
      metadata: { name, namespace: 'default', annotations: { 'tsumugi.dev/prove': 'true' } },
      spec: { source: { inline } },
    });

  it('is not Ready when its module throws at load, and says the line, at the first deploy', async () => {
    await apply('hasty', 'const one = 1;\nthrow new Error(`no luck ${one}`);\nexport default () => one;');
    const { status } = await platform.ready('hasty', 'False');
    const verdict = conditionOf({ status }, 'Ready');
    expect(verdict?.reason).toBe('RevisionFailed');
    expect(verdict?.message).toMatch(/^revision hasty-00001 failed: .*no luck 1[^]*hasty\.ts:2/);
    // Callers hear the same, not that there is no revision.
    expect(await platform.activate('hasty')).toMatchObject({ error: { code: 'LoadError' } });
  });

  it('is tried once more, as a revision of its own, when it is deployed again though nothing has changed', async () => {
    await apply('again', 'throw new Error(`at ${Date.now()}`); export default () => 1;');
    const first = await platform.ready('again', 'False');
    const deployedAt = async (value: string): Promise<FunctionResource> => {
      const body = { metadata: { annotations: { 'tsumugi.dev/deployed-at': value } } };
      await platform.client.patch(functions, { namespace: 'default', name: 'again' }, { type: 'merge', body });
      return eventually(async () => {
        const { status } = await platform.ready('again', 'False');
        expect(status?.observedDeployedAt).toBe(value);
        return platform.function('again');
      });
    };
    const second = await deployedAt('1');
    expect(conditionOf(second, 'Ready')?.message).toMatch(/revision again-00002 failed: Error: at \d+/);
    expect(conditionOf(second, 'Ready')?.message).not.toBe(conditionOf(first, 'Ready')?.message);
    await deployedAt('2');
    expect(await platform.revisionNames('again')).toEqual(['again-00001', 'again-00002', 'again-00003']);
  });

  it('has an instance when it is Ready; one that is not asked for has none', async () => {
    await apply('proven', 'export default () => 1;');
    await platform.inline('untried', 'export default () => 1;');
    await platform.ready('proven');
    await platform.ready('untried');
    await eventually(async () => {
      const names = (await poolPods()).map((pod) => pod.metadata.labels?.['tsumugi.dev/function']);
      expect(names).toContain('proven');
      expect(names).not.toContain('untried');
    });
  });
});

describe('an instance that ends at once', () => {
  it('leaves its last words', async () => {
    await platform.inline('brief', `setTimeout(() => { console.log('farewell'); process.exit(3); }, 5); export default () => 1;`);
    await platform.ready('brief');
    const instance = await platform.instance('brief');
    await eventually(() => expect(platform.node.isRunning(instance.pod)).toBe(false));
    await eventually(async () => expect((await poolPods()).map((pod) => pod.metadata.uid)).not.toContain(instance.id));
    expect(await (await platform.http('GET', '/v1/namespaces/default/functions/brief/logs')).text()).toContain('farewell');
  });
});

describe('an uploaded package', () => {
  it('is a source too', async () => {
    const id = await platform.upload(`export default () => 'uploaded';`);
    await platform.apply('up', { source: { package: id } });
    await platform.ready('up');
    expect(await platform.call('up')).toBe('uploaded');
  });

  it('that was never uploaded is a condition', async () => {
    await platform.apply('lost', { source: { package: `sha256:${'0'.repeat(64)}` } });
    expect(conditionOf(await platform.ready('lost', 'False'), 'Ready')).toMatchObject({ reason: 'PackageMissing' });
  });
});

describe('a route and a runtime', () => {
  it('say whether they work', async () => {
    const route = {
      apiVersion: 'tsumugi.dev/v1',
      kind: 'Route',
      metadata: { name: 'r', namespace: 'default' },
      spec: { match: { path: '/r' }, backend: { function: 'later' } },
    };
    await platform.client.create(routes, route as never);
    const verdict = async (resource: Resource, key: ObjectKey) =>
      conditionOf(await platform.client.get<RouteResource>(resource, key), 'Ready');
    const routeKey = { namespace: 'default', name: 'r' };
    await eventually(async () => expect(await verdict(routes, routeKey)).toMatchObject({ status: 'False', reason: 'FunctionMissing' }));
    await platform.inline('later', 'export default () => 1;');
    await eventually(async () => expect(await verdict(routes, routeKey)).toMatchObject({ status: 'True', observedGeneration: 1 }));
    await eventually(async () => expect(await verdict(runtimes, { name: 'node' })).toMatchObject({ status: 'True' }));
  });
});
