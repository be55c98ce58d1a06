/** A real Kubernetes for a test or a benchmark: started with `cluster/up` of the folder TSUMUGI_SHARED (default ../shared), and ended. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export interface RealCluster {
  readonly kubeconfig: string;
  readonly kubectl: string;
  /** Command that puts the images of a tar, its last argument, onto the node. */
  readonly imageImport: string;
  /** Command that kills one of the cluster's programs, its argument, and starts it again. */
  readonly restart: string;
  readonly stop: () => void;
}

const folder = join(resolve(process.env['TSUMUGI_SHARED'] ?? '../shared'), 'cluster');

/**
 * Throws where it cannot be started.
 *
 * @param variable the one that names a running cluster instead: TSUMUGI_TEST_KUBERNETES is one with a node that runs pods (needs root)
 */
export function startCluster(name: string, variable: string): RealCluster {
  const whole = variable === 'TSUMUGI_TEST_KUBERNETES';
  const up = join(folder, 'up');
  if (!existsSync(up)) throw new Error(`there is no ${up}: set TSUMUGI_SHARED, or ${variable} to a running cluster's kubeconfig`);
  const { stdout, status, error } = spawnSync('bash', [up, ...(whole ? [] : ['--control-plane']), '--name', name], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  const kubeconfig = /^export KUBECONFIG=(.+)$/m.exec(stdout ?? '')?.[1];
  if (error || status !== 0 || !kubeconfig) throw error ?? new Error(`cluster/up ended with ${status}`);
  const command = (program: string): string => `bash ${join(folder, program)} --name ${name}`;
  return {
    kubeconfig,
    kubectl: join(dirname(kubeconfig), 'bin', 'kubectl'),
    imageImport: command('import-image'),
    restart: command('restart'),
    stop: () => void spawnSync('bash', [join(folder, 'down'), '--name', name], { stdio: 'inherit' }),
  };
}
