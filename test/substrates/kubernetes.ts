/**
 * A whole Kubernetes, `TSUMUGI_TEST_KUBERNETES`: its nodes have the images of this checkout, and `tsumugi install` puts the
 * platform there, as a user would; an installation that is there already is used as it is, and stays.
 */
import { readFileSync } from 'node:fs';
import { nameSuffix } from '../../src/base/ids.ts';
import { packageVersion } from '../../src/processes/version.ts';
import { findKubectl, Kubectl } from '../e2e/kubectl.ts';
import { cleanUp, eventually, tsumugi } from '../e2e/platform.ts';
import type { Substrate } from './substrate.ts';

const system = 'tsumugi-system';

export async function kubernetesSubstrate(kubeconfig: string): Promise<Substrate> {
  const found = await findKubectl();
  if ('missing' in found) throw new Error(found.missing);
  const kubectl = new Kubectl(found.path, readFileSync(kubeconfig, 'utf8'));
  const env = { KUBECONFIG: kubeconfig, TSUMUGI_IMAGE_IMPORT: process.env['TSUMUGI_IMAGE_IMPORT'] };
  const run: Substrate['tsumugi'] = (args, input) => tsumugi(args, { env, ...(input === undefined ? {} : { input }) });
  const must = async (...args: string[]): Promise<void> => {
    const { code, stdout, stderr } = await run(args);
    if (code !== 0) throw new Error(`tsumugi ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
  };
  const isThere = (await kubectl.run(['get', 'deployment', '-n', system, 'tsumugi-controller'])).code === 0;
  if (!isThere) await must('install', '--wait');
  const namespace = `suite-${nameSuffix()}`;
  await kubectl.ok(['create', 'namespace', namespace]);
  // Tests run on the node's machine, or in its network: a ClusterIP is reached without a way through the API server.
  const gateway = `http://${await kubectl.ok(['get', 'service', '-n', system, 'tsumugi-gateway', '-o', 'jsonpath={.spec.clusterIP}'])}`;
  await eventually('the gateway is ready', async () => (await fetch(`${gateway}/readyz`)).status === 200, 60);
  return {
    namespace,
    patience: 60,
    image: `tsumugi/binary:${packageVersion()}`,
    connection: { kubeconfig },
    kubectl,
    tsumugi: run,
    fetch: (path, init) =>
      fetch(gateway + path, { ...init, headers: { connection: 'close', ...(init?.headers as Record<string, string> | undefined) } }),
    stop: async () => {
      await kubectl.run(['delete', 'namespace', namespace, '--timeout=60s']);
      if (!isThere) await must('uninstall', '--data', '--yes');
      kubectl.close();
      await cleanUp();
    },
  };
}
