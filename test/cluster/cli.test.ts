/** The command line on a kubeconfig context of a real Kubernetes: by the API server alone, also as kubectl's plugin. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubeconfigText } from '../../src/embedded/api/pki.ts';
import { createHttpClient, type HttpKubeClient } from '../../src/kube/http/client.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';
import { installedKinds } from '../../src/install/kinds.ts';
import { userAccess } from '../../src/install/rbac.ts';
import type { FunctionResource } from '../../src/resources/function.ts';
import type { KubeObject } from '../../src/resources/object.ts';
import { functions, namespaces, secrets, serviceAccounts } from '../../src/resources/resources.ts';
import { findKubectl } from '../e2e/kubectl.ts';
import { cleanEnv, cleanUp, eventually, type Run, tsumugi } from '../e2e/platform.ts';
import { installKinds } from './custom-kinds.ts';
import { install, type Installed } from './installed.ts';
import { rawRequest } from './raw.ts';

const kubeconfig = process.env['TSUMUGI_TEST_KUBECONFIG'];
const kubectl = await findKubectl();
const system = `cli-system-${process.pid}`;
const user = `cli-${process.pid}`;

const source = `
export default async (request) => {
  const { pathname, search } = new URL(request.url);
  if (pathname === '/upper') return (async function* () { const text = new TextDecoder(); for await (const part of request.body) yield text.decode(part).toUpperCase(); })();
  if (pathname === '/fail') throw new Error('on purpose');
  return Response.json({ method: request.method, path: pathname + search, type: request.headers.get('content-type'), token: request.headers.get('tsumugi-authorization'), authorization: request.headers.get('authorization'), body: await request.text() });
};
export const add = (a, b) => a + b;
`;

describe.runIf(kubeconfig)('the command line on a real Kubernetes', () => {
  let client: HttpKubeClient;
  let installed: Installed;
  let server: string;
  let ca: string;
  const folder = mkdtempSync(join(tmpdir(), 'tsumugi-cli-'));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const env = { KUBECONFIG: kubeconfig, TSUMUGI_SYSTEM_NAMESPACE: system };
  const run = (...args: string[]): Promise<Run> => tsumugi([...args, '-n', user], { env, cwd: folder });

  beforeAll(async () => {
    const connection = await loadConnection({ path: kubeconfig ?? '' });
    server = connection.server;
    ca = connection.ca ?? '';
    client = createHttpClient(connection);
    await installKinds(client);
    await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: user } });
    installed = await install(client, server, system, { namespace: user, source, exports: ['add'] });
  });
  afterAll(async () => {
    await installed?.close();
    await client?.delete(namespaces, { name: user });
    client?.close();
    await cleanUp();
    rmSync(folder, { recursive: true });
  });

  describe('deploy', () => {
    it('uploads through the API server, says where, and prints the URL that the status has', async () => {
      const deploying = run('deploy', file('hello.ts', 'export default () => "hi";'));
      const key = { namespace: user, name: 'hello' };
      let written: FunctionResource | undefined;
      await eventually('the Function is there', async () => {
        written = await client.get<FunctionResource>(functions, key);
        return true;
      });
      const generation = written?.metadata.generation ?? 0;
      const ready = {
        type: 'Ready',
        status: 'True',
        reason: 'Ready',
        message: '',
        lastTransitionTime: new Date().toISOString(),
        observedGeneration: generation,
      };
      const status = { url: 'http://in-the-cluster/function/hello', observedGeneration: generation, conditions: [ready] };
      await client.patch(functions, key, { type: 'merge', body: { status } }, { subresource: 'status' });
      expect(await deploying).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^hello {3}http:\/\/in-the-cluster\/function\/hello {3}ready in \d+\.\d\d s\n$/) as string,
        stderr: `deploying to context "tsumugi" of ${kubeconfig}, namespace ${user}\n`,
      });
      const [stored] = await installed.blobs.get([written?.spec.source.package ?? '']);
      expect(Buffer.from(stored ?? []).toString()).toContain('"hi"');
    });

    it('takes a large package', async () => {
      const big = file('big.ts', `const text = ${JSON.stringify('0123456789abcdef'.repeat(1 << 20))}; export default () => text.length;`);
      expect(await run('deploy', big, '--no-wait')).toMatchObject({ code: 0, stdout: 'big   deployed\n' });
      const { spec } = await client.get<FunctionResource>(functions, { namespace: user, name: 'big' });
      const [stored] = await installed.blobs.get([spec.source.package ?? '']);
      expect(stored?.length).toBeGreaterThan(16 << 20);
    });
  });

  describe('invoke and call', () => {
    it('reach the function through the API server, with method, headers, query and body, and without our token', async () => {
      const posted = await run(
        'invoke',
        'app',
        '-X',
        'PUT',
        '--data',
        '{"x":1}',
        '-H',
        'Content-Type: application/json',
        '--path',
        '/a/b?c=d%20e',
      );
      expect({ ...posted, stdout: JSON.parse(posted.stdout || 'null') as unknown }).toEqual({
        code: 0,
        stderr: '',
        stdout: { method: 'PUT', path: '/a/b?c=d%20e', type: 'application/json', token: null, authorization: null, body: '{"x":1}' },
      });
    });

    it('stream both ways', async () => {
      const child = spawn(process.execPath, [resolve('bin/tsumugi.js'), 'invoke', 'app', '-n', user, '--path', '/upper', '--file', '-'], {
        env: { ...cleanEnv(), ...env },
        cwd: folder,
      });
      let seen = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (seen += text));
      const closed = new Promise((done) => child.once('close', done));
      child.stdin.write('first ');
      await eventually('the answer begins before the request ends', () => seen === 'FIRST ');
      child.stdin.end('second');
      expect(await closed).toBe(0);
      expect(seen).toBe('FIRST SECOND');
    });

    it('call brings the token of the Secret', async () => {
      expect(await run('call', 'app.add', '2', '3')).toEqual({ code: 0, stdout: '5\n', stderr: '' });
    });

    it('tell what the function and the gateway say', async () => {
      const failed = await run('invoke', 'app', '--path', '/fail');
      expect(failed).toMatchObject({ code: 1, stdout: '' });
      expect(failed.stderr).toMatch(
        new RegExp(`^error: HandlerError: Error: on purpose\n request: \\w+\n hint: see: tsumugi logs app -n ${user}\n$`),
      );
      expect((await run('invoke', 'none')).stderr).toMatch(/^error: NotFound: function "none" does not exist/);
    });

    it('go to a gateway that is named, past the API server', async () => {
      const direct = await run('invoke', 'app', '--gateway', installed.gateway, '--path', '/a%2Fb', '-H', 'Authorization: Bearer mine');
      expect(JSON.parse(direct.stdout)).toMatchObject({ path: '/a%2Fb', authorization: 'Bearer mine', token: null });
      expect(await run('call', 'app.add', '4', '4', '--gateway', installed.gateway)).toMatchObject({ code: 0, stdout: '8\n' });
    });

    it('an Authorization header is refused, since it would not arrive', async () => {
      expect(await run('invoke', 'app', '-H', 'Authorization: Bearer x')).toEqual({
        code: 2,
        stdout: '',
        stderr: `error: an Authorization header does not reach the function: the API server in between takes it for itself\n hint: go past it: kubectl -n ${system} port-forward svc/tsumugi-gateway 8080:80, and --gateway http://127.0.0.1:8080\n`,
      });
    });
  });

  it('logs -f goes on until it is ended', async () => {
    await client.create<KubeObject & { spec: object }>(functions, {
      apiVersion: 'tsumugi.dev/v1',
      kind: 'Function',
      metadata: { namespace: user, name: 'app' },
      spec: { source: { inline: 'export default () => 1' } },
    });
    const child = spawn(process.execPath, [resolve('bin/tsumugi.js'), 'logs', 'app', '-f', '-n', user], {
      env: { ...cleanEnv(), ...env },
      cwd: folder,
    });
    let seen = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (seen += text));
    const closed = new Promise((done) => child.once('close', done));
    for (const text of ['one', 'two']) {
      installed.log({ time: new Date().toISOString(), pod: 'p', invocation: 'r1', text });
      await eventually(`the line ${text} has come`, () => seen.endsWith(`[r1] ${text}\n`));
    }
    child.kill('SIGINT');
    expect(await closed).toBe(0);
    expect(await run('logs', 'nothing')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('NotFound: function "nothing"') as string,
    });
  });

  it('get, describe, wait, apply and delete work as on one machine', async () => {
    const manifest = file(
      'f.yaml',
      'apiVersion: tsumugi.dev/v1\nkind: Function\nmetadata: {name: plain}\nspec: {source: {inline: "export default () => 1"}}\n',
    );
    expect(await run('apply', '-f', manifest)).toMatchObject({ code: 0, stdout: 'function.tsumugi.dev/plain created\n' });
    expect((await run('get', 'fn', 'plain')).stdout).toMatch(/^NAME +READY +.*\nplain +/);
    expect((await run('describe', 'fn', 'plain')).stdout).toMatch(new RegExp(`^Function plain in namespace ${user}: not Ready yet\n`));
    expect(await run('wait', 'fn/plain', '--for', 'jsonpath={.spec.runtime}=node')).toMatchObject({ code: 0 });
    const gone = run('wait', 'fn/plain', '--for', 'delete');
    expect(await run('delete', 'fn', 'plain')).toMatchObject({ code: 0 });
    expect(await gone).toMatchObject({ code: 0, stdout: 'function.tsumugi.dev/plain condition met\n' });
    expect(await run('route', 'create', 'r', '--function', 'app', '--path', '/r')).toMatchObject({ code: 0 });
    expect((await run('describe', 'route', 'r')).stdout).toMatch(/Path +\/r\n/);
  });

  describe('what is not there, not ready or not allowed is told', () => {
    it('no installation', async () => {
      const result = await run('invoke', 'app', '--system-namespace', 'default', '--data', 'x');
      expect(result).toMatchObject({ code: 1, stdout: '' });
      expect(result.stderr).toBe(
        `error: Tsumugi is not installed in the cluster of context "tsumugi" of ${kubeconfig}: there is no Service tsumugi-api in default\n hint: install it with \`tsumugi install\`, or say where it is with --system-namespace\n`,
      );
      expect((await run('logs', 'app', '--system-namespace', 'default')).stderr).toBe(result.stderr);
    });

    it('no endpoints of gateway or controllers', async () => {
      await installed.setReady('tsumugi-gateway', false);
      await eventually('the gateway is away', async () =>
        (await run('invoke', 'app')).stderr.includes(`hint: is it running? kubectl -n ${system} get pods\n`),
      );
      expect((await run('invoke', 'app')).stderr).toMatch(
        /^error: the gateway cannot be reached through the API server: no endpoints available/,
      );
      await installed.setReady('tsumugi-gateway', true);
      await eventually('it is back', async () => (await run('invoke', 'app')).code === 0);
    });

    it('a Secret that the controllers have not made yet', async () => {
      const key = { namespace: system, name: 'tsumugi-cli' };
      const secret = await client.get<KubeObject & { data: object }>(secrets, key);
      await client.delete(secrets, key);
      expect((await run('call', 'app.add', '1', '2')).stderr).toBe(
        `error: the controllers have not started yet: there is no Secret tsumugi-cli in ${system}\n hint: see: kubectl -n ${system} get pods\n`,
      );
      const { apiVersion, kind, data } = secret;
      await client.create<KubeObject & { data: object }>(secrets, { apiVersion, kind, metadata: key, data });
    });

    it('a user without the Role; with it all works', async () => {
      await client.create(serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: user, name: 'jane' } });
      const { body } = await rawRequest(
        await loadConnection({ path: kubeconfig ?? '' }),
        'POST',
        `/api/v1/namespaces/${user}/serviceaccounts/jane/token`,
        { 'content-type': 'application/json' },
        '{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":600}}',
      );
      const { token } = (body as { status: { token: string } }).status;
      const jane = (...args: string[]): Promise<Run> =>
        tsumugi([...args, '-n', user, '--kubeconfig', file('jane', kubeconfigText(server, { ca, token }))], { env, cwd: folder });
      const hint = ` hint: the Role tsumugi-user allows it: kubectl -n ${system} create rolebinding NAME --role=tsumugi-user --user=YOU\n`;
      const refused = await jane('invoke', 'app');
      expect(refused).toMatchObject({ code: 1, stdout: '' });
      expect(refused.stderr).toMatch(
        /^error: the gateway cannot be reached through the API server: services "http:tsumugi-gateway:80" is forbidden/,
      );
      expect(refused.stderr).toContain(hint);
      const secret = (await jane('call', 'app.add', '1', '2')).stderr;
      expect(secret).toMatch(/^error: secrets "tsumugi-cli" is forbidden: User "system:serviceaccount:/);
      expect(secret).toContain(hint);

      const role = userAccess(system).find(({ kind }) => kind === 'Role') as KubeObject;
      const kindOf = (name: string) => installedKinds.find(({ kind }) => kind === name)!;
      await client.create(kindOf('Role'), role);
      const subjects = [{ kind: 'ServiceAccount', name: 'jane', namespace: user }];
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role.metadata.name };
      await client.create<KubeObject & { subjects: object; roleRef: object }>(kindOf('RoleBinding'), {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { namespace: system, name: 'jane' },
        subjects,
        roleRef,
      });
      await eventually('the Role is in force', async () => (await jane('call', 'app.add', '1', '2')).stdout === '3\n');
      expect(await jane('invoke', 'app')).toMatchObject({ code: 0, stderr: '' });
    });
  });

  it('is found by its label in a namespace of another name', async ({ skip }) => {
    const { stdout } = await tsumugi(['get', 'services', '-A', '-l', 'app.kubernetes.io/part-of=tsumugi', '-o', 'name'], {
      env,
      cwd: folder,
    });
    skip(stdout.split('service/tsumugi-api\n').length !== 2, 'another Tsumugi is in this cluster');
    const result = await tsumugi(['call', 'app.add', '4', '5', '-n', user], { env: { KUBECONFIG: kubeconfig }, cwd: folder });
    expect(result).toEqual({ code: 0, stdout: '9\n', stderr: '' });
  });

  it.skipIf('missing' in kubectl)('kubectl runs it as its plugin, and it speaks of itself so', async () => {
    symlinkSync(resolve('bin/kubectl-tsumugi.js'), join(folder, 'kubectl-tsumugi'));
    const path = 'path' in kubectl ? kubectl.path : '';
    const PATH = [folder, dirname(process.execPath), dirname(path), process.env['PATH']].join(delimiter);
    const plugin = async (...args: string[]): Promise<Run> => {
      const child = spawn(path, ['tsumugi', ...args], { env: { ...cleanEnv(), ...env, PATH, TSUMUGI_DATA: '/nowhere' }, cwd: folder });
      let [stdout, stderr] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      return new Promise((done) => child.once('close', (code) => done({ code, stdout, stderr })));
    };
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await plugin('version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    expect((await plugin('get', 'functions', '-n', user)).stdout).toMatch(/^app +/m);
    expect(await plugin('call', 'app.add', '20', '3', '-n', user)).toEqual({ code: 0, stdout: '23\n', stderr: '' });
    const help = (await plugin('deploy', '--help')).stdout;
    expect(help).toMatch(/^Usage: kubectl tsumugi deploy/);
    expect(help).toContain('\n  kubectl tsumugi deploy hello.ts\n');
    expect(help).not.toMatch(/(?<!kubectl )\btsumugi (?!is )\w/);
    expect((await plugin('get', 'fucntions')).stderr).toContain('did you mean functions?');
    expect((await plugin('delete', 'fn')).stderr).toContain(' hint: name it: kubectl tsumugi delete function NAME');
  });
});

it.skipIf(kubeconfig)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
