/** The images run on a real node, as the restricted Pod Security Standard wants it, and are the same each time. */
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findKubectl, Kubectl } from '../e2e/kubectl.ts';
import { cleanUp, temporaryFolder, tsumugi } from '../e2e/platform.ts';

const kubeconfig = process.env['TSUMUGI_TEST_KUBERNETES'] ?? '';
const importer = process.env['TSUMUGI_IMAGE_IMPORT'];
const kubectlFound = await findKubectl();
const missing = !kubeconfig
  ? 'needs TSUMUGI_TEST_KUBERNETES, a kubeconfig of a cluster with a node'
  : !importer
    ? 'needs TSUMUGI_IMAGE_IMPORT, the command that takes an image archive into the cluster'
    : 'missing' in kubectlFound
      ? kubectlFound.missing
      : undefined;

interface Built {
  readonly name: string;
  readonly references: readonly string[];
  readonly digest: string;
  readonly sizeBytes: number;
}

const namespace = `images-test-${process.pid}`;

const securityContext = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } };

function pod(name: string, container: object, volumes: readonly object[] = []): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [{ name: 'main', imagePullPolicy: 'Never', securityContext, ...container }],
      volumes,
    },
  });
}

describe.skipIf(missing)('images on a real Kubernetes', () => {
  let kubectl: Kubectl;
  let built: readonly Built[];
  /** The tag that no other content ever gets. */
  const reference = (name: string): string => built.find((image) => image.name === name)?.references[1] ?? '';

  beforeAll(async () => {
    kubectl = new Kubectl((kubectlFound as { path: string }).path, readFileSync(kubeconfig, 'utf8'));
    const { code, stdout, stderr } = await tsumugi(['images', 'build', '--import', '-o', 'json'], {
      env: { KUBECONFIG: kubeconfig, TSUMUGI_IMAGE_IMPORT: importer },
    });
    expect(code, stderr).toBe(0);
    built = JSON.parse(stdout) as Built[];
    await kubectl.ok(['create', 'namespace', namespace]);
    await kubectl.ok(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted']);
  });

  afterAll(async () => {
    await kubectl.run(['delete', 'namespace', namespace, '--wait=false']);
    kubectl.close();
    await cleanUp();
  });

  /** What the pod wrote until it ended well. */
  async function output(name: string): Promise<string> {
    await kubectl.ok(['wait', '-n', namespace, `pod/${name}`, '--for=jsonpath={.status.phase}=Succeeded', '--timeout=60s']);
    return kubectl.ok(['logs', '-n', namespace, name]);
  }

  it('a second build has the same digests', async () => {
    const { code, stdout, stderr } = await tsumugi(['images', 'build', '--output', temporaryFolder(), '-o', 'json']);
    expect(code, stderr).toBe(0);
    expect((JSON.parse(stdout) as Built[]).map(({ name, digest }) => [name, digest])).toEqual(
      built.map(({ name, digest }) => [name, digest]),
    );
  });

  it('the platform’s image is the command line', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    const image = reference('tsumugi/platform');
    await kubectl.ok(['apply', '-f', '-'], pod('entrypoint', { image, args: ['version'] }));
    await kubectl.ok(['apply', '-f', '-'], pod('program', { image, command: ['node', 'bin/tsumugi.js', 'version'] }));
    await kubectl.ok(['apply', '-f', '-'], pod('plugin', { image, command: ['kubectl-tsumugi', 'version'] }));
    expect([await output('entrypoint'), await output('program'), await output('plugin')]).toEqual(Array(3).fill(`${version}\n`));
  });

  it('its Node is ours, is nobody, builds functions, finds names, and can write nothing', async () => {
    const script = `
      const { lookup } = await import('node:dns/promises');
      const { userInfo } = await import('node:os');
      const { writeFileSync, readdirSync } = await import('node:fs');
      const attempt = (path) => { try { writeFileSync(path, ''); return 'written'; } catch ({ code }) { return code; } };
      const { transform } = await import('/app/node_modules/esbuild/lib/main.js');
      console.log(JSON.stringify({
        version: process.version,
        uid: process.getuid(),
        user: userInfo().username,
        found: (await lookup('kubernetes.default.svc')).family,
        built: (await transform('const one: number = 1', { loader: 'ts' })).code,
        written: ['/tmp/x', '/app/x', '/x'].map(attempt),
        programs: readdirSync('/usr/local/bin'),
      }));
      process.exit();`;
    const image = reference('tsumugi/platform');
    await kubectl.ok(['apply', '-f', '-'], pod('inside', { image, command: ['node', '--input-type=module', '-e', script] }));
    expect(JSON.parse(await output('inside'))).toEqual({
      version: process.version,
      uid: 65532,
      user: 'nonroot',
      found: 4,
      built: 'const one = 1;\n',
      written: ['EROFS', 'EROFS', 'EROFS'],
      programs: ['kubectl-tsumugi', 'node', 'tsumugi'],
    });
  });

  it('the binary runtime’s image has a shell, and what scripts are made of; all of it can be started', async () => {
    const script = `[ "$(id -u)" = 65532 ] || exit 1
for program in /bin/* /usr/bin/env; do
  ldd=$(LD_TRACE_LOADED_OBJECTS=1 "$program" 2>&1 </dev/null) || { echo "$program: $ldd"; exit 1; }
  case "$ldd" in *"not found"*) echo "$program: $ldd"; exit 1;; esac
done
printf 'b\\na\\n' | sort | sed s/a/A/ | grep -c . ; date +%Y >/dev/null && mkfifo /tmp/f && echo works`;
    const container = {
      image: reference('tsumugi/binary'),
      command: ['sh', '-c', script],
      volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
    };
    await kubectl.ok(['apply', '-f', '-'], pod('programs', container, [{ name: 'tmp', emptyDir: {} }]));
    expect(await output('programs')).toBe('2\nworks\n');
  });

  it('the node runtime’s image listens for its platform', async () => {
    const { publicKey } = generateKeyPairSync('ed25519');
    const env = [
      { name: 'TSUMUGI_POD_UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
      { name: 'TSUMUGI_POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'TSUMUGI_LISTEN', value: 'tcp:$(TSUMUGI_POD_IP):8700' },
      { name: 'TSUMUGI_PUBLIC_KEY', value: publicKey.export({ format: 'jwk' }).x },
    ];
    const mounts = ['work', 'tmp'].map((name) => ({ name, mountPath: `/${name}` }));
    const volumes = ['work', 'tmp'].map((name) => ({ name, emptyDir: {} }));
    const readinessProbe = { tcpSocket: { port: 8700 }, periodSeconds: 1 };
    const container = { image: reference('tsumugi/node'), env, workingDir: '/work', volumeMounts: mounts, readinessProbe };
    await kubectl.ok(['apply', '-f', '-'], pod('runtime', container, volumes));
    expect(await kubectl.ok(['wait', '-n', namespace, 'pod/runtime', '--for=condition=Ready', '--timeout=60s'])).toContain('condition met');
  });
});

it.runIf(missing)(`images on a real Kubernetes: ${missing}`, ({ skip }) => skip(missing));
