/** The Helm chart says what `tsumugi install` says. Needs helm (TSUMUGI_HELM; `scripts/tools/helm` builds it). */
import { spawnSync } from 'node:child_process';
import { expect, describe, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { names, partName } from '../../src/install/parts.ts';
import { uninstall } from '../../src/install/uninstall.ts';
import type { KubeObject } from '../../src/resources/object.ts';
import { tsumugi } from '../e2e/platform.ts';
import { installed, placeForInstallation } from './installation.ts';

const helm = process.env['TSUMUGI_HELM'];
const path = process.env['TSUMUGI_TEST_KUBECONFIG'];

function run(...args: string[]): { readonly code: number | null; readonly stdout: string; readonly stderr: string } {
  const { status: code, stdout, stderr, error } = spawnSync(helm as string, args, { encoding: 'utf8' });
  if (error) throw error;
  return { code, stdout, stderr };
}

/** By kind and name: helm has an order of its own. */
function objects(yaml: string): Readonly<Record<string, unknown>> {
  const list = parseAllDocuments(yaml).map((document) => document.toJS() as KubeObject | null);
  const found = list.filter((object) => object !== null);
  return Object.fromEntries(found.map((object) => [`${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`, object]));
}

const byDigest = `r.io/node@sha256:${'a'.repeat(64)}`;
const cases: readonly (readonly [what: string, flags: readonly string[], values: readonly string[]])[] = [
  ['the defaults', [], []],
  ['a database', ['--database-secret', 'records'], ['databaseSecret=records']],
  [
    'everything said',
    '-n fn-platform --gateways 5 --domain fn.example.com --gateway-url https://fn.example.com:8443/x --service-type LoadBalancer --database-secret db.main'
      .split(' ')
      .concat('--image', 'tsumugi/platform=registry.example.com:5000/t/platform:1.2', '--image', `tsumugi/node=${byDigest}`)
      .concat('--image-pull-secret', 'registry', '--image-pull-secret', '1e3'),
    [
      'namespace=fn-platform',
      'gateways=5',
      'domain=fn.example.com',
      'gatewayUrl=https://fn.example.com:8443/x',
      'serviceType=LoadBalancer',
      'databaseSecret=db.main',
    ].concat(
      'images.platform=registry.example.com:5000/t/platform:1.2',
      `images.node=${byDigest}`,
      'imagePullSecrets[0].name=registry',
      'imagePullSecrets[1].name=1e3',
    ),
  ],
  [
    'names that YAML would take for numbers',
    ['-n', '123', '--database-secret', '1e3', '--domain', '0x1', '--image-pull-secret', '1e3'],
    ['namespace=123', 'databaseSecret=1e3', 'domain=0x1', 'imagePullSecrets[0].name=1e3'],
  ],
];

describe.runIf(helm)('the Helm chart', () => {
  it('is accepted by helm lint', () => {
    const { code, stdout } = run('lint', '--strict', 'charts/tsumugi');
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('0 chart(s) failed') });
  });

  it.each(cases)('says what install --dry-run -o yaml says: %s', async (_, flags, values) => {
    const set = values.flatMap((value) => [value.startsWith('gateways') ? '--set' : '--set-string', value]);
    const chart = run('template', 'tsumugi', 'charts/tsumugi', '--include-crds', ...set);
    expect(chart.stderr).toBe('');
    const install = await tsumugi(['install', '--dry-run', '-o', 'yaml', ...flags]);
    expect(objects(chart.stdout)).toEqual(objects(install.stdout));
    expect(Object.keys(objects(chart.stdout)).length).toBeGreaterThan(20);
  });

  it('leaves the namespace to others when told so', () => {
    const { stdout } = run('template', 'tsumugi', 'charts/tsumugi', '--set', 'createNamespace=false');
    expect(Object.values(objects(stdout)).filter((object) => (object as KubeObject).kind === 'Namespace')).toEqual([]);
    expect(new Set(Object.values(objects(stdout)).map((object) => partName(object as never)))).toEqual(
      new Set(['access', 'controller', 'gateway']),
    );
  });

  it.runIf(path)('is installed, upgraded and removed on a cluster, and says loudly what the evaluation form means', async () => {
    const place = await placeForInstallation(path as string);
    const namespace = `chart-${process.pid}`;
    const onCluster = (...args: string[]): string => {
      const { code, stdout, stderr } = run(...args, '--kubeconfig', path as string, '-n', place.user);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      return stdout;
    };
    const change = (verb: string, ...set: string[]): string =>
      onCluster(verb, 'tsumugi', 'charts/tsumugi', '--set', `namespace=${namespace}`, ...set);
    try {
      expect(change('install')).toContain('WARNING: evaluation form');
      expect(change('upgrade', '--set', 'databaseSecret=records,gateways=3')).not.toContain('WARNING');
      const gateway = await place.client.get<KubeObject>(installed('Deployment'), { namespace, name: names.gateway });
      expect(gateway).toMatchObject({ spec: { replicas: 3 } });
      onCluster('uninstall', 'tsumugi', '--wait');
      const left = await place.client.list<KubeObject>(installed('ClusterRole'), { labelSelector: 'app.kubernetes.io/part-of=tsumugi' });
      expect(left.items).toEqual([]);
    } finally {
      await uninstall(place.client, { namespace, data: true });
      await place.close();
    }
  });

  it.each([
    'gateways=0',
    'namespace=default',
    'namespace=My',
    'serviceType=None',
    'images.node=a b',
    'gateway=2',
    'domain=a/b',
    'gatewayUrl=a.b',
    'imagePullSecrets[0]=a',
  ])('refuses what install refuses: %s', (value) => {
    const { code, stderr } = run('template', 'tsumugi', 'charts/tsumugi', '--set', value);
    expect(code).toBe(1);
    expect(stderr).toContain("values don't meet the specifications");
  });
});

it.skipIf(helm)('needs TSUMUGI_HELM, the path of helm: export TSUMUGI_HELM=$(scripts/tools/helm)', ({ skip }) => skip());
