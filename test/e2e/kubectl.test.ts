/** Real kubectl against the embedded API over HTTPS, with the kubeconfig that the API gives out. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { type EmbeddedApi, openEmbeddedApi } from '../../src/embedded/api/index.ts';
import { runEmbeddedControllers } from '../../src/embedded/controllers/index.ts';
import { findKubectl, Kubectl, normalised } from './kubectl.ts';

const found = await findKubectl();

describe.runIf('path' in found)('kubectl', { timeout: 60_000 }, () => {
  let data: string;
  let api: EmbeddedApi;
  let kubectl: Kubectl;
  const stop = new AbortController();
  let controllers: Promise<void>;

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'tsumugi-e2e-'));
    api = await openEmbeddedApi({ data });
    controllers = runEmbeddedControllers({ client: api.client, store: api.store, signal: stop.signal });
    kubectl = new Kubectl('path' in found ? found.path : '', api.kubeconfig);
  });
  afterAll(async () => {
    stop.abort();
    await controllers;
    await api.close();
    kubectl.close();
    await rm(data, { recursive: true });
  });

  const configMap = (name: string, value: string, labels: Record<string, string> = { app: name }): string =>
    JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data: { key: value } });
  const said = async (...args: string[]): Promise<string> => normalised(await kubectl.ok(args));
  const refused = async (args: string[], input = ''): Promise<string> => {
    const { code, stderr } = await kubectl.run(args, input);
    expect(code, `kubectl ${args.join(' ')}`).toBe(1);
    return stderr.trim();
  };

  it('knows what there is', async () => {
    const rows = (await said('api-resources')).split('\n').map((row) => row.split('  '));
    const find = (name: string): string[] | undefined => rows.find(([first]) => first === name);
    expect(rows[0]).toEqual(['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND']);
    expect(find('configmaps')).toEqual(['configmaps', 'cm', 'v1', 'true', 'ConfigMap']);
    expect(find('namespaces')).toEqual(['namespaces', 'ns', 'v1', 'false', 'Namespace']);
    expect(find('functions')).toEqual(['functions', 'fn', 'tsumugi.dev/v1', 'true', 'Function']);
    expect(find('runtimes')).toEqual(['runtimes', 'rt', 'tsumugi.dev/v1', 'false', 'Runtime']);
    expect((await kubectl.ok(['api-versions'])).trim().split('\n')).toEqual(expect.arrayContaining(['tsumugi.dev/v1', 'v1']));
    expect(await kubectl.ok(['version'])).toMatch(/Server Version: v1\.36\.\d+\+tsumugi/);
  });

  it('creates, and says what is there already', async () => {
    expect(await kubectl.ok(['create', 'namespace', 'made'])).toBe('namespace/made created\n');
    expect(await kubectl.ok(['create', 'configmap', 'settings', '-n', 'made', '--from-literal=a=1'])).toBe('configmap/settings created\n');
    expect(await kubectl.ok(['create', 'secret', 'generic', 'password', '-n', 'made', '--from-literal=p=s3cret'])).toBe(
      'secret/password created\n',
    );
    expect(await refused(['create', 'configmap', 'settings', '-n', 'made'])).toBe(
      'error: failed to create configmap: configmaps "settings" already exists',
    );
    expect(await kubectl.ok(['get', 'secret', 'password', '-n', 'made', '-o', 'jsonpath={.data.p}'])).toBe('czNjcmV0');
  });

  it('applies: created, unchanged, configured; and refuses unknown fields', async () => {
    const apply = (input: string): Promise<string> => kubectl.ok(['apply', '-f', '-'], input);
    expect(await apply(configMap('applied', '1'))).toBe('configmap/applied created\n');
    expect(await apply(configMap('applied', '1'))).toBe('configmap/applied unchanged\n');
    expect(await apply(configMap('applied', '2'))).toBe('configmap/applied configured\n');
    expect(await kubectl.ok(['get', 'cm', 'applied', '-o', 'jsonpath={.data}'])).toBe('{"key":"2"}');
    expect(await refused(['apply', '-f', '-'], configMap('applied', '3').replace('"data"', '"dta"'))).toContain(
      'strict decoding error: unknown field "dta"',
    );
    expect(await refused(['apply', '-f', '-'], configMap('typo', '3').replace('"data"', '"dta"'))).toContain(
      'strict decoding error: unknown field "dta"',
    );
  });

  it('gets in every form', async () => {
    await kubectl.ok(['create', 'namespace', 'forms']);
    for (const [name, size] of [
      ['b', 'big'],
      ['a', 'small'],
    ] as const)
      await kubectl.ok(['create', '-n', 'forms', '-f', '-'], configMap(name, name, { size }));
    const get = (...args: string[]): Promise<string> => said('get', '-n', 'forms', ...args);
    expect(await get('cm')).toBe('NAME  DATA  AGE\na  1  AGE\nb  1  AGE\n');
    expect(await get('cm', '-o', 'wide')).toBe('NAME  DATA  AGE\na  1  AGE\nb  1  AGE\n');
    expect(await get('cm', '--show-labels', '-l', 'size=big')).toBe('NAME  DATA  AGE  LABELS\nb  1  AGE  size=big\n');
    expect(await get('cm', '-L', 'size', '--no-headers')).toBe('a  1  AGE  small\nb  1  AGE  big\n');
    expect(await get('cm', '-o', 'name')).toBe('configmap/a\nconfigmap/b\n');
    expect(await get('cm', '-o', 'jsonpath={.items[*].data.key}')).toBe('a b');
    expect(await get('cm', '-o', 'custom-columns=WHO:.metadata.name,SIZE:.metadata.labels.size')).toBe('WHO  SIZE\na  small\nb  big\n');
    expect(await get('cm', '--sort-by=.metadata.labels.size', '-o', 'name')).toBe('configmap/b\nconfigmap/a\n');
    expect(await get('cm', '--field-selector=metadata.name=a', '-o', 'name')).toBe('configmap/a\n');
    expect(await get('cm', '--chunk-size=1', '-o', 'name')).toBe('configmap/a\nconfigmap/b\n');
    expect(await get('cm', '-A', '--no-headers')).toContain('forms  a  1  AGE\n');
    expect(JSON.parse(await kubectl.ok(['get', 'cm', 'a', '-n', 'forms', '-o', 'json']))).toMatchObject({
      kind: 'ConfigMap',
      data: { key: 'a' },
      metadata: { name: 'a', namespace: 'forms' },
    });
    expect(parse(await kubectl.ok(['get', 'cm', 'a', '-n', 'forms', '-o', 'yaml']))).toMatchObject({
      kind: 'ConfigMap',
      data: { key: 'a' },
    });
    expect(await refused(['get', 'cm', 'absent', '-n', 'forms'])).toBe('Error from server (NotFound): configmaps "absent" not found');
    expect(await refused(['get', 'nonsense'])).toBe(`error: the server doesn't have a resource type "nonsense"`);
  });

  it('watches as tables', async () => {
    await kubectl.ok(['create', 'namespace', 'watched']);
    const watch = kubectl.follow(['get', 'cm', '-n', 'watched', '-w', '--output-watch-events']);
    try {
      // The watch begins after kubectl's list: what is made before either is told all the same.
      await kubectl.ok(['create', '-n', 'watched', '-f', '-'], configMap('one', '1'));
      await vi.waitFor(() => expect(normalised(watch.lines().join('\n'))).toContain('ADDED  one  1  AGE'), { timeout: 20_000 });
      await kubectl.ok(['patch', 'cm', 'one', '-n', 'watched', '-p', '{"data":{"more":"2"}}']);
      await kubectl.ok(['delete', 'cm', 'one', '-n', 'watched']);
      await vi.waitFor(() => expect(watch.lines()).toHaveLength(4), { timeout: 20_000 });
      expect(watch.lines().map(normalised)).toEqual([
        'EVENT  NAME  DATA  AGE',
        'ADDED  one  1  AGE',
        'MODIFIED  one  2  AGE',
        'DELETED  one  2  AGE',
      ]);
    } finally {
      await watch.stop();
    }
  });

  it('labels, annotates and patches', async () => {
    await kubectl.ok(['create', '-f', '-'], configMap('changed', '1'));
    expect(await said('label', 'cm', 'changed', 'tier=front')).toBe('configmap/changed labeled\n');
    expect(await refused(['label', 'cm', 'changed', 'tier=back'])).toContain(
      `'tier' already has a value (front), and --overwrite is false`,
    );
    expect(await said('label', 'cm', 'changed', 'tier=back', '--overwrite')).toBe('configmap/changed labeled\n');
    expect(await said('annotate', 'cm', 'changed', 'note=hello world')).toBe('configmap/changed annotated\n');
    expect(await said('patch', 'cm', 'changed', '--type=merge', '-p', '{"data":{"m":"1"}}')).toBe('configmap/changed patched\n');
    expect(await said('patch', 'cm', 'changed', '--type=merge', '-p', '{"data":{"m":"1"}}')).toBe(
      'configmap/changed patched (no change)\n',
    );
    expect(await said('patch', 'cm', 'changed', '--type=json', '-p', '[{"op":"replace","path":"/data/m","value":"2"}]')).toBe(
      'configmap/changed patched\n',
    );
    expect(
      await kubectl.ok(['get', 'cm', 'changed', '-o', 'jsonpath={.metadata.labels.tier} {.metadata.annotations.note} {.data.m}']),
    ).toBe('back hello world 2');
  });

  it('describes, with events', async () => {
    await kubectl.ok(['create', '-f', '-'], configMap('described', 'v'));
    const uid = await kubectl.ok(['get', 'cm', 'described', '-o', 'jsonpath={.metadata.uid}']);
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'described.1' },
      involvedObject: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name: 'described', uid },
      type: 'Warning',
      reason: 'Odd',
      message: 'something odd',
      count: 3,
      source: { component: 'test' },
    };
    await kubectl.ok(['create', '-f', '-'], JSON.stringify(event));
    const text = await said('describe', 'cm', 'described');
    expect(text).toMatch(/^Name: {2}described\nNamespace: {2}default\n/);
    expect(text).toMatch(/\nkey:\n----\nv\n/);
    expect(text).toMatch(/Warning {2}Odd .*test {2}something odd/);
    expect(await said('events', '--for', 'configmap/described')).toContain('Warning  Odd  ConfigMap/described  something odd');
  });

  it('waits for conditions, fields and deletion', async () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'waited' },
      spec: { nodeName: 'nowhere', containers: [{ name: 'main', image: 'host' }] },
    };
    await kubectl.ok(['create', '-f', '-'], JSON.stringify(pod));
    const ready = kubectl.ok(['wait', '--for=condition=Ready', 'pod/waited', '--timeout=30s']);
    await kubectl.ok([
      'patch',
      'pod',
      'waited',
      '--subresource=status',
      '--type=merge',
      '-p',
      '{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}',
    ]);
    expect(await ready).toBe('pod/waited condition met\n');
    expect(await kubectl.ok(['wait', '--for=jsonpath={.status.phase}=Running', 'pod/waited', '--timeout=30s'])).toBe(
      'pod/waited condition met\n',
    );
    expect(await said('get', 'pod', 'waited')).toBe('NAME  READY  STATUS  RESTARTS  AGE\nwaited  0/1  Running  0  AGE\n');
    expect(await refused(['wait', '--for=condition=Never', 'pod/waited', '--timeout=1s'])).toBe(
      'error: timed out waiting for the condition on pods/waited',
    );
    const deleted = kubectl.ok(['wait', '--for=delete', 'pod/waited', '--timeout=30s']);
    await kubectl.ok(['delete', 'pod', 'waited', '--grace-period=0', '--force']);
    // Nothing is said when the pod had gone before kubectl looked.
    expect(['', 'pod/waited condition met\n']).toContain(await deleted);
  });

  it('deletes by name, label and file, and a namespace with all that is in it', async () => {
    await kubectl.ok(['create', 'namespace', 'doomed']);
    for (const name of ['a', 'b', 'c', 'd'])
      await kubectl.ok(['create', '-n', 'doomed', '-f', '-'], configMap(name, '1', { group: name < 'c' ? 'one' : 'two' }));
    expect(await kubectl.ok(['delete', 'cm', 'a', '-n', 'doomed'])).toMatch(/^configmap "a" deleted/);
    await kubectl.ok(['delete', 'cm', '-l', 'group=one', '-n', 'doomed']);
    await kubectl.ok(['delete', '-n', 'doomed', '-f', '-'], configMap('c', '1'));
    expect(await kubectl.ok(['get', 'cm', '-n', 'doomed', '-o', 'name'])).toBe('configmap/d\n');
    expect(await refused(['delete', 'cm', 'a', '-n', 'doomed'])).toBe('Error from server (NotFound): configmaps "a" not found');
    expect(await kubectl.ok(['delete', 'namespace', 'doomed'])).toBe('namespace "doomed" deleted\n');
    expect(await refused(['get', 'namespace', 'doomed'])).toContain('NotFound');
  });

  it('applies, lists and refuses functions as it does anything else', async () => {
    const fn = (more: object): string =>
      JSON.stringify({
        apiVersion: 'tsumugi.dev/v1',
        kind: 'Function',
        metadata: { name: 'hello' },
        spec: { source: { inline: 'export default () => "hi"' }, ...more },
      });
    expect(await kubectl.ok(['apply', '-f', '-'], fn({}))).toBe('function.tsumugi.dev/hello created\n');
    expect(await kubectl.ok(['apply', '-f', '-'], fn({ scale: { max: 5 } }))).toBe('function.tsumugi.dev/hello configured\n');
    expect(await kubectl.ok(['get', 'fn', 'hello', '-o', 'jsonpath={.spec.scale.max} {.spec.runtime}'])).toBe('5 node');
    expect((await said('get', 'fn')).split('\n')[1]).toMatch(/^hello /);
    expect(await refused(['apply', '-f', '-'], fn({ sale: {} }))).toContain('unknown field "spec.sale"');
    expect(await refused(['apply', '-f', '-'], fn({ scale: { max: -1 } }))).toContain('spec.scale.max');
    await kubectl.ok(['delete', 'fn', 'hello']);
  });

  it('gets nowhere without the token', async () => {
    const anonymous = new Kubectl('path' in found ? found.path : '', api.kubeconfig.replace(api.token, 'wrong'));
    try {
      const { code, stderr } = await anonymous.run(['get', 'cm']);
      expect(code).toBe(1);
      expect(stderr).toContain('You must be logged in to the server');
    } finally {
      anonymous.close();
    }
  });
});

it.skipIf('path' in found)(`kubectl is not there: ${'missing' in found ? found.missing : ''}`, ({ skip }) => skip());
