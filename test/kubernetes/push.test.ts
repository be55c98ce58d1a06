/** Images go to a real registry: open, with a password, and with tokens. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { buildLayer, sha256 } from '../../src/install/images/layer.ts';
import { type Descriptor, type Image, makeImage } from '../../src/install/images/oci.ts';
import { pushImages } from '../../src/install/images/push.ts';
import { findKubectl, Kubectl } from '../e2e/kubectl.ts';
import { cleanUp, temporaryFolder, tsumugi } from '../e2e/platform.ts';
import { registryProgram, startRegistry, type TestRegistry, user } from './registry.ts';

const missing = registryProgram ? undefined : 'needs TSUMUGI_TEST_REGISTRY, the program that scripts/tools/registry prints';

let registry: TestRegistry;

async function images(): Promise<readonly Image[]> {
  const file = (text: string) => ({ mode: 0o644, bytes: Buffer.from(text) });
  const base = await buildLayer({ base: file('the same in both') });
  const image = async (name: string): Promise<Image> =>
    makeImage({
      name,
      version: '1.0.0',
      layers: [base, await buildLayer({ own: file(name) })],
      architecture: 'amd64',
      user: '65532:65532',
      entrypoint: ['/run'],
      env: {},
      workingDir: '/',
      description: name,
    });
  return [await image('tsumugi/platform'), await image('tsumugi/node')];
}

/** Everything under a reference is there, byte for byte what its digest says. */
async function expectPulled(reference: string): Promise<void> {
  const [, repository, tag] = /^[^/]+\/(.+?)[:@](.+)$/.exec(reference) ?? [];
  const manifest = await registry.get(`/v2/${repository}/manifests/${tag}`);
  expect(manifest.status, reference).toBe(200);
  const { config, layers } = JSON.parse(manifest.bytes.toString()) as { config: Descriptor; layers: Descriptor[] };
  for (const { digest, size } of [config, ...layers]) {
    const { status, bytes } = await registry.get(`/v2/${repository}/blobs/${digest}`);
    expect([status, bytes.length, sha256(bytes)]).toEqual([200, size, digest]);
  }
}

describe.skipIf(missing)('push to a real registry', () => {
  afterEach(() => registry.close());
  afterAll(cleanUp);

  it.each(['none', 'basic', 'token'] as const)('authentication: %s', async (auth) => {
    registry = await startRegistry(auth);
    const built = await images();
    const credentials = () => (auth === 'none' ? undefined : user);
    const references = await pushImages(built, { prefix: `${registry.host}/team`, credentials });
    expect(references).toEqual(
      built.map(({ name, tags, manifest }) => {
        const repository = `${registry.host}/team/${name}`;
        return [...tags.map((tag) => `${repository}:${tag}`), `${repository}@${manifest.digest}`];
      }),
    );
    for (const reference of references.flat()) await expectPulled(reference);
  });

  it('sends what is there neither twice nor again', async () => {
    registry = await startRegistry('none');
    const options = { prefix: registry.host, credentials: () => undefined };
    await pushImages(await images(), options);
    // Two layers and a configuration; of the second image the base comes from the first.
    expect(registry.writes.filter((write) => write.startsWith('PUT') && write.endsWith('uploads/ID'))).toHaveLength(5);
    const before = registry.writes.length;
    await pushImages(await images(), options);
    expect(registry.writes.slice(before).every((write) => /^PUT .*\/manifests\//.test(write))).toBe(true);
  });

  it.each(['basic', 'token'] as const)('says who may not push, where a registry wants to know: %s', async (auth) => {
    registry = await startRegistry(auth);
    const built = await images();
    const attempt = (credentials: typeof user | undefined) => pushImages(built, { prefix: registry.host, credentials: () => credentials });
    await expect(attempt(undefined)).rejects.toMatchObject({
      code: 'Unauthorized',
      message: expect.stringContaining('anonymous users') as string,
    });
    await expect(attempt({ ...user, password: 'wrong' })).rejects.toMatchObject({
      code: 'Unauthorized',
      message: expect.stringContaining('lets the user "weaver" not write to tsumugi/platform') as string,
    });
  });

  it('tsumugi images build --push takes the password of docker login', async () => {
    registry = await startRegistry('basic');
    const folder = temporaryFolder();
    const auth = Buffer.from(`${user.username}:${user.password}`).toString('base64');
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }));
    const args = ['images', 'build', 'node', '--push', `${registry.host}/team`, '-o', 'json'];
    const { code, stdout, stderr } = await tsumugi(args, { env: { DOCKER_CONFIG: folder } });
    expect(code, stderr).toBe(0);
    const [{ references }] = JSON.parse(stdout) as [{ references: string[] }];
    expect(references).toHaveLength(3);
    for (const reference of references) await expectPulled(reference);
  });
});

const kubeconfig = process.env['TSUMUGI_TEST_KUBERNETES'];
const found = await findKubectl();

describe.skipIf(missing !== undefined || !kubeconfig || 'missing' in found)('push with a Secret of a real cluster', () => {
  const namespace = `images-push-${process.pid}`;

  it('takes the password from --registry-secret, and refuses other Secrets', async () => {
    registry = await startRegistry('basic');
    const kubectl = new Kubectl((found as { path: string }).path, readFileSync(kubeconfig as string, 'utf8'));
    const push = (secret: string, prefix = registry.host) =>
      tsumugi([
        'images',
        'build',
        'node',
        '--push',
        prefix,
        '-n',
        namespace,
        '--registry-secret',
        secret,
        '--kubeconfig',
        kubeconfig as string,
      ]);
    try {
      await kubectl.ok(['create', 'namespace', namespace]);
      const { username, password } = user;
      const login = [`--docker-server=${registry.host}`, `--docker-username=${username}`, `--docker-password=${password}`];
      await kubectl.ok(['create', 'secret', 'docker-registry', 'registry', '-n', namespace, ...login]);
      await kubectl.ok(['create', 'secret', 'generic', 'other', '-n', namespace, '--from-literal=a=b']);

      const pushed = await push('registry');
      expect(pushed.code, pushed.stderr).toBe(0);
      expect(pushed.stdout).toContain(`${registry.host}/tsumugi/node@sha256:`);

      expect(await push('other')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('is of type Opaque, not kubernetes.io/dockerconfigjson') as string,
      });
      expect(await push('absent')).toMatchObject({ code: 1, stderr: expect.stringContaining('secrets "absent" not found') as string });
      expect(await push('registry', 'elsewhere.example')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('has no password for elsewhere.example/tsumugi/node') as string,
      });
    } finally {
      await kubectl.run(['delete', 'namespace', namespace, '--wait=false']);
      kubectl.close();
      await registry.close();
    }
  });
});

it.runIf(missing)(`push to a real registry: ${missing}`, ({ skip }) => skip(missing));
