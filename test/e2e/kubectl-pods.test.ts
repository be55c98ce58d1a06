/** kubectl on a whole platform: pods that run, their logs, and functions from apply to garbage collection. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findKubectl, Kubectl, normalised } from './kubectl.ts';
import { cleanUp, startPlatform, type TestPlatform } from './platform.ts';

const found = await findKubectl();

describe.runIf('path' in found)('kubectl on a running platform', { timeout: 60_000 }, () => {
  let platform: TestPlatform;
  let kubectl: Kubectl;

  beforeAll(async () => {
    platform = await startPlatform();
    kubectl = new Kubectl('path' in found ? found.path : '', readFileSync(platform.kubeconfig, 'utf8'));
  });
  afterAll(async () => {
    kubectl?.close();
    await cleanUp();
  });

  const pod = (name: string, script: string, more: object = {}): string =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'host', command: ['sh', '-c', script] }], ...more },
    });

  it('runs a pod and follows its log to the end', async () => {
    await kubectl.ok(['apply', '-f', '-'], pod('counter', 'for i in 1 2 3; do echo line $i; sleep 0.2; done; echo last >&2'));
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/counter', '--timeout=30s']);
    expect(await kubectl.ok(['logs', '-f', 'counter'])).toBe('line 1\nline 2\nline 3\nlast\n');
    expect(await kubectl.ok(['wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/counter', '--timeout=30s'])).toBe(
      'pod/counter condition met\n',
    );
    expect(normalised(await kubectl.ok(['get', 'pod', 'counter']))).toBe(
      'NAME  READY  STATUS  RESTARTS  AGE\ncounter  0/1  Completed  0  AGE\n',
    );
    expect(await kubectl.ok(['logs', 'counter', '--tail=1'])).toBe('last\n');
    expect(await kubectl.ok(['logs', 'counter', '--timestamps', '--tail=1'])).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z last\n$/);
    await kubectl.ok(['delete', 'pod', 'counter']);
  });

  it('tells how a pod ended, and shows it in a watch', async () => {
    const watch = kubectl.follow(['get', 'pods', '-w', '--field-selector=metadata.name=failing']);
    try {
      await kubectl.ok(['apply', '-f', '-'], pod('failing', 'echo no; exit 3'));
      await kubectl.ok(['wait', '--for=jsonpath={.status.phase}=Failed', 'pod/failing', '--timeout=30s']);
      await vi.waitFor(() => expect(watch.lines().at(-1)).toMatch(/^failing +0\/1 +Error /), { timeout: 20_000 });
    } finally {
      await watch.stop();
    }
    const text = await kubectl.ok(['describe', 'pod', 'failing']);
    expect(text).toMatch(/Reason: +Error\n +Exit Code: +3\n/);
    expect(text).toMatch(/Events:\n/);
    await kubectl.ok(['delete', 'pod', 'failing']);
  });

  it('ends a running pod on delete', async () => {
    await kubectl.ok(['apply', '-f', '-'], pod('endless', 'trap "echo ending; exit 0" TERM; echo up; while :; do sleep 0.1; done'));
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/endless', '--timeout=30s']);
    expect(await kubectl.ok(['delete', 'pod', 'endless', '--timeout=30s'])).toMatch(/^pod "endless" deleted/);
    expect((await kubectl.run(['get', 'pod', 'endless'])).stderr).toContain('NotFound');
  });

  it('says what image it cannot run', async () => {
    await kubectl.ok(['apply', '-f', '-'], pod('strange', 'true').replace('"host"', '"docker.example/none:1"'));
    await vi.waitFor(
      async () =>
        expect(normalised(await kubectl.ok(['get', 'pod', 'strange', '--no-headers']))).toBe('strange  0/1  ImageUnavailable  0  AGE\n'),
      { timeout: 20_000 },
    );
    await kubectl.ok(['delete', 'pod', 'strange']);
  });

  it('takes a function from apply to a URL, and away with all that belonged to it', async () => {
    const fn = JSON.stringify({
      apiVersion: 'tsumugi.dev/v1',
      kind: 'Function',
      metadata: { name: 'greet' },
      spec: { source: { inline: 'export default () => { console.log("asked"); return "hello"; }' } },
    });
    expect(await kubectl.ok(['apply', '-f', '-'], fn)).toBe('function.tsumugi.dev/greet created\n');
    expect(await kubectl.ok(['wait', '--for=condition=Ready', 'fn/greet', '--timeout=30s'])).toBe(
      'function.tsumugi.dev/greet condition met\n',
    );
    expect(await (await platform.fetch('/function/greet')).text()).toBe('hello');
    expect(await kubectl.ok(['get', 'revisions', '-o', 'name'])).toBe('revision.tsumugi.dev/greet-00001\n');
    const pods = ['get', 'pods', '-l', 'tsumugi.dev/function=greet', '-o', 'name'];
    await vi.waitFor(async () => expect((await kubectl.ok(pods)).trim().split('\n')).toHaveLength(1), { timeout: 20_000 });
    const name = (await kubectl.ok(pods)).trim();
    await vi.waitFor(async () => expect(await kubectl.ok(['logs', name])).toMatch(/\[[^\]]+\] asked\n/), { timeout: 20_000 });

    await kubectl.ok(['delete', 'fn', 'greet']);
    await vi.waitFor(async () => expect([await kubectl.ok(['get', 'revisions', '-o', 'name']), await kubectl.ok(pods)]).toEqual(['', '']), {
      timeout: 30_000,
      interval: 300,
    });
  });

  it.each([
    ['delete --all', (kind: string) => ['delete', kind, '--all']],
    ['the deletion of a collection', (kind: string) => ['delete', '--raw', `/apis/tsumugi.dev/v1/namespaces/default/${kind}`]],
  ])('by %s takes all functions and routes away, with all of theirs', async (_, remove) => {
    const objects = ['one', 'two', 'three'].flatMap((name) => [
      {
        apiVersion: 'tsumugi.dev/v1',
        kind: 'Function',
        metadata: { name },
        spec: { source: { inline: `export default () => "${name}"` } },
      },
      {
        apiVersion: 'tsumugi.dev/v1',
        kind: 'Route',
        metadata: { name },
        spec: { match: { path: `/${name}` }, backend: { function: name } },
      },
    ]);
    await kubectl.ok(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    await kubectl.ok(['wait', '--for=condition=Ready', 'fn', '--all', '--timeout=30s']);
    const statuses = (): Promise<number[]> =>
      Promise.all(['/one', '/two', '/three', '/function/one'].map(async (path) => (await platform.fetch(path)).status));
    await vi.waitFor(async () => expect(await statuses()).toEqual([200, 200, 200, 200]), { timeout: 20_000 });
    const theirs = ['get', 'functions,routes,revisions', '-o', 'name'];
    const pods = ['get', 'pods', '-l', 'tsumugi.dev/function', '-o', 'name'];
    await vi.waitFor(async () => expect((await kubectl.ok(pods)).trim().split('\n')).toHaveLength(3), { timeout: 20_000 });

    await kubectl.ok(remove('routes'));
    await vi.waitFor(async () => expect(await statuses()).toEqual([404, 404, 404, 200]), { timeout: 20_000 });
    await kubectl.ok(remove('functions'));
    await vi.waitFor(async () => expect([await kubectl.ok(theirs), await kubectl.ok(pods)]).toEqual(['', '']), {
      timeout: 30_000,
      interval: 300,
    });
    await vi.waitFor(async () => expect(await statuses()).toEqual([404, 404, 404, 404]), { timeout: 20_000 });
  });
});

it.skipIf('path' in found)(`kubectl is not there: ${'missing' in found ? found.missing : ''}`, ({ skip }) => skip());
