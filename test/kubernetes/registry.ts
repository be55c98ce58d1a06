/** A real registry (distribution) for tests, as TSUMUGI_TEST_REGISTRY names its program; `scripts/tools/registry` builds it. */
import { spawn } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { mediaTypes } from '../../src/install/images/oci.ts';

export const registryProgram = process.env['TSUMUGI_TEST_REGISTRY'];

/** Who may push where one asks. */
export const user = { username: 'weaver', password: 'secret:of the test' };

export interface TestRegistry {
  readonly host: string;
  /** GET of a manifest or blob with what shows who we are. */
  get(path: string): Promise<{ readonly status: number; readonly bytes: Buffer }>;
  /** Requests that changed something, as the registry's own log has them. */
  readonly writes: readonly string[];
  close(): Promise<void>;
}

/** Empty, on a free port. */
export async function startRegistry(auth: 'none' | 'basic' | 'token'): Promise<TestRegistry> {
  const folder = mkdtempSync(join(tmpdir(), 'tsumugi-registry-'));
  const tokens = auth === 'token' ? await startTokenServer(folder) : undefined;
  // bcrypt of the password above: the only form that the registry takes.
  writeFileSync(join(folder, 'htpasswd'), `${user.username}:$2b$04$QkK8nGONc/fcPeiaaaeMP.NgLDIZQ51Yef9PbRwaiwu6d1iHLeWAy\n`);
  const authentication = {
    none: {},
    basic: { auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } } },
    token: { auth: { token: tokens?.settings } },
  }[auth];
  const config = {
    version: '0.1',
    log: { level: 'info', formatter: 'json', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'data') } },
    http: { addr: '127.0.0.1:0', secret: 'test' },
    ...authentication,
  };
  // JSON is YAML.
  writeFileSync(join(folder, 'config.yml'), JSON.stringify(config));
  const child = spawn(registryProgram as string, ['serve', join(folder, 'config.yml')], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  const writes: string[] = [];
  const said: string[] = [];
  const host = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line);
      const entry = line.startsWith('{') ? (JSON.parse(line) as Record<string, string>) : {};
      const listening = /^listening on (\S+)/.exec(entry['msg'] ?? '')?.[1];
      if (listening !== undefined) resolve(listening);
      const method = entry['http.request.method'] ?? '';
      if (entry['msg'] === 'response completed' && ['POST', 'PUT', 'PATCH'].includes(method)) {
        writes.push(`${method} ${(entry['http.request.uri'] ?? '').replace(/\?.*/, '').replace(/uploads\/.+/, 'uploads/ID')}`);
      }
    });
    void ended.then(() => reject(new Error(`the registry ended:\n${said.join('\n')}`)));
  });
  const basic = `Basic ${Buffer.from(`${user.username}:${user.password}`).toString('base64')}`;
  return {
    host,
    writes,
    get: async (path) => {
      const repository = /^\/v2\/(.+)\/(manifests|blobs)\//.exec(path)?.[1] ?? '';
      const authorization = { none: undefined, basic, token: `Bearer ${tokens?.tokenFor(repository) ?? ''}` }[auth];
      const headers = { accept: `${mediaTypes.manifest}, */*`, connection: 'close', ...(authorization ? { authorization } : {}) };
      const response = await fetch(`http://${host}${path}`, { headers });
      return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
    },
    close: async () => {
      child.kill();
      await ended;
      tokens?.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** What gives tokens to who knows the password: a server of its own, as registries that many share have one. */
async function startTokenServer(folder: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwks = join(folder, 'jwks.json');
  writeFileSync(jwks, JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'test', alg: 'ES256', use: 'sig' }] }));
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const tokenFor = (...names: readonly string[]): string => {
    const now = Math.floor(Date.now() / 1000);
    const access = names.map((name) => ({ type: 'repository', name, actions: ['pull', 'push'] }));
    const claims = { iss: 'test', sub: user.username, aud: 'test', iat: now, nbf: now - 10, exp: now + 300, access };
    const signed = `${part({ alg: 'ES256', typ: 'JWT', kid: 'test' })}.${part(claims)}`;
    return `${signed}.${sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  };
  const expected = `Basic ${Buffer.from(`${user.username}:${user.password}`).toString('base64')}`;
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://tokens');
    const names = searchParams.getAll('scope').flatMap((scope) => /^repository:([^:]+):/.exec(scope)?.[1] ?? []);
    if (request.headers.authorization !== expected || searchParams.get('service') !== 'test') {
      response.writeHead(401).end(JSON.stringify({ errors: [{ message: 'wrong password' }] }));
    } else response.end(JSON.stringify({ token: tokenFor(...names) }));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const realm = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  return {
    settings: { realm, service: 'test', issuer: 'test', jwks, signingalgorithms: ['ES256'] },
    tokenFor,
    close: () => server.close().closeAllConnections(),
  };
}
