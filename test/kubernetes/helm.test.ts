/** The Helm chart on a cluster that runs pods: from nothing to an answer, an upgrade under way, and nothing left at the end. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpClient } from '../../src/kube/http/client.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';
import { everything } from '../cluster/installation.ts';
import { findKubectl, Kubectl } from '../e2e/kubectl.ts';
import { cleanUp, eventually, temporaryFolder, tsumugi } from '../e2e/platform.ts';

const kubeconfig = process.env['TSUMUGI_TEST_KUBERNETES'] ?? '';
const helm = process.env['TSUMUGI_HELM'] ?? '';
const found = await findKubectl();
const missing = !kubeconfig
  ? 'needs TSUMUGI_TEST_KUBERNETES, a kubeconfig of a cluster with a node'
  : !helm
    ? 'needs TSUMUGI_HELM, the path of helm: export TSUMUGI_HELM=$(scripts/tools/helm)'
    : 'missing' in found
      ? found.missing
      : undefined;

describe.skipIf(missing)('the Helm chart on a cluster that runs pods', () => {
  const namespace = `helm-${process.pid}`;
  let kubectl: Kubectl;
  let before: readonly string[];
  const chart = (verb: string, ...args: string[]): void => {
    const { status, stderr, error } = spawnSync(helm, [verb, 'tsumugi', ...args, '-n', namespace, '--kubeconfig', kubeconfig, '--wait'], {
      encoding: 'utf8',
    });
    if (error) throw error;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  };
  const run = (...args: string[]) =>
    tsumugi(args, { env: { KUBECONFIG: kubeconfig, TSUMUGI_IMAGE_IMPORT: process.env['TSUMUGI_IMAGE_IMPORT'] } });
  const ok = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run(...args);
    expect(code, stderr).toBe(0);
    return stdout;
  };
  /** All objects of the cluster, but those that come and go by themselves. */
  async function objects(): Promise<readonly string[]> {
    const client = createHttpClient(await loadConnection({ path: kubeconfig }));
    try {
      return (await everything(client)).filter((line) => !/leases|endpoint|ipaddresses|replicasets|metrics/.test(line));
    } finally {
      client.close();
    }
  }

  beforeAll(async () => {
    kubectl = new Kubectl((found as { path: string }).path, readFileSync(kubeconfig, 'utf8'));
    expect((await kubectl.run(['get', 'crd', 'functions.tsumugi.dev'])).code, 'there is an installation already').not.toBe(0);
    await kubectl.ok(['create', 'namespace', namespace]);
    before = await objects();
  });
  afterAll(async () => {
    await run('uninstall', '--data', '--yes');
    await kubectl.run(['delete', 'namespace', namespace, '--timeout=60s']);
    kubectl.close();
    await cleanUp();
  });

  it('is installed, upgraded while functions answer, and removed with all that the platform made', async () => {
    chart('install', 'charts/tsumugi');
    const file = join(temporaryFolder(), 'charted.ts');
    writeFileSync(file, 'export default () => "charted";');
    await ok('deploy', file, '-n', namespace, '--wait-timeout', '60s');
    expect(await ok('invoke', 'charted', '-n', namespace)).toBe('charted');

    chart('upgrade', 'charts/tsumugi', '--set', 'gateways=3');
    expect(
      await kubectl.ok(['get', 'deployment', '-n', 'tsumugi-system', 'tsumugi-gateway', '-o', 'jsonpath={.status.readyReplicas}']),
    ).toBe('3');
    expect(await ok('invoke', 'charted', '-n', namespace)).toBe('charted');

    // Helm removes what it has made; the rest of it is the platform's own.
    chart('uninstall');
    expect(await ok('uninstall')).toMatch(/Pod +\d/);
    expect(await kubectl.ok(['get', 'pods,networkpolicies', '-n', namespace, '-o', 'name'])).toBe('');
    expect(await kubectl.ok(['get', 'functions', '-n', namespace, '-o', 'name'])).toBe('function.tsumugi.dev/charted\n');
    await ok('uninstall', '--data', '--yes');
    await eventually(
      'nothing is left',
      async () => {
        const left = (await objects()).filter((line) => !before.includes(line));
        if (left.length > 0) throw new Error(left.join('\n'));
        return true;
      },
      60,
    );
  });
});

if (missing) it.skip(missing);
