import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { TsumugiError } from '../base/errors.ts';
import { loadConnection } from './kubeconfig.ts';

let folder: string;
let home: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tsumugi-kubeconfig-'));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  home = join(folder, `${count++}`);
  await mkdir(join(home, '.kube'), { recursive: true });
});

const file = async (name: string, content: object | string): Promise<string> => {
  const path = join(home, name);
  await writeFile(path, typeof content === 'string' ? content : stringify(content));
  return path;
};
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const config = (user: object = { token: 't' }, cluster: object = {}): object => ({
  'current-context': 'dev',
  contexts: [
    { name: 'dev', context: { cluster: 'c', user: 'u', namespace: 'team' } },
    { name: 'other', context: { cluster: 'c2', user: 'u' } },
  ],
  clusters: [
    { name: 'c', cluster: { server: 'https://one:6443/', 'certificate-authority-data': base64('CA ONE'), ...cluster } },
    { name: 'c2', cluster: { server: 'https://two:6443' } },
  ],
  users: [{ name: 'u', user }],
});

const refusal = async (loading: Promise<unknown>): Promise<Pick<TsumugiError, 'code' | 'message' | 'hint'>> => {
  const error = await loading.then(
    () => expect.fail('was not refused'),
    (thrown: unknown) => thrown as TsumugiError,
  );
  return { code: error.code, message: error.message, hint: error.hint };
};

describe('loadConnection', () => {
  it('reads the current context of ~/.kube/config', async () => {
    const path = await file('.kube/config', config());
    const connection = await loadConnection({ home, env: {} });
    expect(connection).toMatchObject({ server: 'https://one:6443', ca: 'CA ONE', namespace: 'team', from: `context "dev" of ${path}` });
    expect(await connection.credentials()).toEqual({ token: 't' });
  });

  it('takes another context, and default as namespace', async () => {
    const path = await file('config', config());
    expect(await loadConnection({ path, context: 'other' })).toMatchObject({ server: 'https://two:6443', namespace: 'default' });
  });

  it('merges the files of KUBECONFIG: the first to say something wins, those that are missing do not matter', async () => {
    const first = await file('first', {
      'current-context': 'mine',
      contexts: [{ name: 'mine', context: { cluster: 'c2', user: 'u' } }],
      users: [{ name: 'u', user: { token: 'first' } }],
    });
    const second = await file('second', config());
    const connection = await loadConnection({ home, env: { KUBECONFIG: [first, join(home, 'missing'), second].join(delimiter) } });
    expect(connection.server).toBe('https://two:6443');
    expect(await connection.credentials()).toEqual({ token: 'first' });
  });

  it('reads files relative to the kubeconfig that names them', async () => {
    await mkdir(join(home, 'pki'));
    await file('pki/ca.crt', 'CA');
    await file('pki/me.crt', 'CERT');
    await file('pki/me.key', 'KEY');
    const path = await file(
      'config',
      config(
        { 'client-certificate': 'pki/me.crt', 'client-key': 'pki/me.key' },
        { 'certificate-authority-data': '', 'certificate-authority': 'pki/ca.crt' },
      ),
    );
    const connection = await loadConnection({ path });
    expect(connection.ca).toBe('CA');
    expect(await connection.credentials()).toEqual({ certificate: 'CERT', key: 'KEY' });
  });

  it('reads a token file anew each time, and prefers it to a token', async () => {
    const tokenFile = await file('token', 'one\n');
    const path = await file('config', config({ token: 'fixed', tokenFile }));
    const { credentials } = await loadConnection({ path });
    expect(await credentials()).toEqual({ token: 'one' });
    await writeFile(tokenFile, 'two\n');
    expect(await credentials()).toEqual({ token: 'two' });
  });

  it('uses the service account of its pod when there is no kubeconfig', async () => {
    const serviceAccount = join(home, 'account');
    await mkdir(serviceAccount);
    for (const [name, text] of [
      ['token', 'sa-token\n'],
      ['ca.crt', 'SA CA'],
      ['namespace', 'pods'],
    ] as const)
      await writeFile(join(serviceAccount, name), text);
    const connection = await loadConnection({
      home,
      serviceAccount,
      env: { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' },
    });
    expect(connection).toMatchObject({ server: 'https://[fd00::1]:443', ca: 'SA CA', namespace: 'pods' });
    expect(await connection.credentials()).toEqual({ token: 'sa-token' });
  });

  it('says what is missing, and what there is instead', async () => {
    expect(await refusal(loadConnection({ home, env: {} }))).toMatchObject({
      code: 'NotFound',
      message: expect.stringContaining('no kubeconfig') as string,
      hint: expect.stringContaining('tsumugi up') as string,
    });
    expect(await refusal(loadConnection({ path: join(home, 'nope') }))).toMatchObject({
      code: 'NotFound',
      message: `there is no kubeconfig ${join(home, 'nope')}`,
    });
    const path = await file('config', config());
    expect(await refusal(loadConnection({ path, context: 'prod' }))).toEqual({
      code: 'NotFound',
      message: `there is no context "prod" in ${path}`,
      hint: 'there are: dev, other',
    });
    const dangling = await file('dangling', { ...config(), clusters: [] });
    expect(await refusal(loadConnection({ path: dangling }))).toMatchObject({
      message: `there is no cluster (of context "dev") "c" in ${dangling}`,
    });
    const current = await file('current', { ...config(), 'current-context': '' });
    expect(await refusal(loadConnection({ path: current }))).toMatchObject({
      message: `no current context in ${current}`,
      hint: 'name one with --context: dev, other',
    });
  });

  it('says what is broken, and where', async () => {
    const broken = async (content: object | string): Promise<string> =>
      (await refusal(loadConnection({ path: await file('broken', content) }))).message;
    expect(await broken('{a: ')).toMatch(/broken is no YAML: /);
    expect(await broken('just text')).toMatch(/broken is no YAML mapping$/);
    expect(await broken(config({}, { server: 'nonsense' }))).toMatch(/broken: cluster "c" has no valid server URL$/);
    expect(await broken(config({}, { 'proxy-url': 'http://p' }))).toMatch(/has a proxy-url, which is not supported$/);
    expect(await broken(config({ 'auth-provider': { name: 'gcp' } }))).toMatch(/uses auth-provider "gcp", which Kubernetes has removed$/);
    expect(await broken({ ...config(), users: 'x' })).toMatch(/broken: "users" must be a list$/);
    const keyless = await loadConnection({ path: await file('keyless', config({ 'client-certificate-data': base64('CERT') })) });
    expect((await refusal(keyless.credentials())).message).toMatch(/has a client certificate without its key$/);
  });
});

describe('exec credential plugins', () => {
  const plugin = async (body: string): Promise<void> => {
    const path = await file('plugin', `#!/bin/sh\n${body}\n`);
    await chmod(path, 0o700);
  };
  const credential = (status: object, version = 'v1'): string =>
    JSON.stringify({ apiVersion: `client.authentication.k8s.io/${version}`, kind: 'ExecCredential', status });
  const load = async (exec: object = {}): ReturnType<typeof loadConnection> =>
    loadConnection({
      path: await file(
        'config',
        config({ exec: { apiVersion: 'client.authentication.k8s.io/v1', command: './plugin', interactiveMode: 'Never', ...exec } }),
      ),
    });

  it('runs the program once for many requests, with its arguments, variables and what it asks to know', async () => {
    await plugin(`echo "$1 $WHO $KUBERNETES_EXEC_INFO" >> "${home}/calls"; echo '${credential({ token: 'made' })}'`);
    const { credentials } = await load({ args: ['login'], env: [{ name: 'WHO', value: 'me' }], provideClusterInfo: true });
    expect(await Promise.all([credentials(), credentials(), credentials()])).toEqual([
      { token: 'made' },
      { token: 'made' },
      { token: 'made' },
    ]);
    const calls = (await readFile(join(home, 'calls'), 'utf8')).trim().split('\n');
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatch(/^login me /);
    expect(JSON.parse(calls[0]?.slice('login me '.length) ?? '')).toEqual({
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      spec: { interactive: false, cluster: { server: 'https://one:6443', 'certificate-authority-data': base64('CA ONE') } },
    });
  });

  it('runs it again when its answer has run out, or was refused', async () => {
    const past = '2001-01-01T00:00:00Z';
    await plugin(`echo x >> "${home}/calls"; echo '${credential({ token: 'short', expirationTimestamp: past })}'`);
    const { credentials } = await load();
    await credentials();
    await credentials();
    expect(await readFile(join(home, 'calls'), 'utf8')).toBe('x\nx\n');

    await plugin(`echo x >> "${home}/more"; echo '${credential({ token: 'long' })}'`);
    const lasting = await load();
    await lasting.credentials();
    await lasting.credentials();
    await lasting.credentials(true);
    expect(await readFile(join(home, 'more'), 'utf8')).toBe('x\nx\n');
  });

  it('takes certificates, and v1beta1', async () => {
    await plugin(`echo '${credential({ clientCertificateData: 'CERT', clientKeyData: 'KEY' }, 'v1beta1')}'`);
    const { credentials } = await load({ apiVersion: 'client.authentication.k8s.io/v1beta1' });
    expect(await credentials()).toEqual({ certificate: 'CERT', key: 'KEY' });
  });

  it('says why it has none', async () => {
    const why = async (body: string): Promise<string> => {
      await plugin(body);
      return (await refusal((await load()).credentials())).message;
    };
    expect(await why('echo "log in first" >&2; exit 1')).toMatch(/exec of user "u": "\.\/plugin" failed: log in first$/);
    expect(await why('echo hello')).toMatch(/printed no JSON$/);
    expect(await why(`echo '${credential({})}'`)).toMatch(/printed neither a token nor a certificate with its key$/);
    expect(await why(`echo '${credential({ token: 't' }, 'v1beta1')}'`)).toMatch(
      /printed client\.authentication\.k8s\.io\/v1beta1 ExecCredential instead of/,
    );
    const absent = await load({ command: 'no-such-program-here', installHint: 'install it so' });
    expect(await refusal(absent.credentials())).toMatchObject({
      code: 'Unauthorized',
      message: expect.stringContaining('there is no program "no-such-program-here"') as string,
      hint: 'install it so',
    });
    expect((await refusal(load({ apiVersion: 'client.authentication.k8s.io/v1alpha1' }))).message).toMatch(/apiVersion must be /);
  });
});
