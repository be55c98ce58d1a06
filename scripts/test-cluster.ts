/**
 * `npm run test:cluster`: the suites that need a real Kubernetes, on one.
 *
 * TSUMUGI_TEST_KUBECONFIG names a running cluster; else one is started (control plane only) with `cluster/up` of the folder
 * TSUMUGI_SHARED (default ../shared) and ended afterwards. Arguments go to vitest.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const cluster = join(resolve(process.env['TSUMUGI_SHARED'] ?? '../shared'), 'cluster');
const name = `contract-${process.pid}`;

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): number {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env });
  if (error) throw error;
  return status ?? 1;
}

/** Starts a cluster and says where its kubeconfig is: the script prints `export KUBECONFIG=…`. */
function start(): string {
  const { stdout, status, error } = spawnSync('bash', [join(cluster, 'up'), '--control-plane', '--name', name], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  const kubeconfig = /^export KUBECONFIG=(.+)$/m.exec(stdout ?? '')?.[1];
  if (error || status !== 0 || !kubeconfig) throw error ?? new Error(`cluster/up ended with ${status}`);
  return kubeconfig;
}

let code = 1;
const given = process.env['TSUMUGI_TEST_KUBECONFIG'] || undefined;
if (!given && !existsSync(join(cluster, 'up'))) {
  console.error(
    `test:cluster: no cluster: ${cluster}/up is not there; set TSUMUGI_SHARED, or TSUMUGI_TEST_KUBECONFIG to a running cluster's kubeconfig`,
  );
} else {
  try {
    const kubeconfig = given ?? start();
    const vitest = join('node_modules', 'vitest', 'vitest.mjs');
    // Only a cluster of our own may be broken by a test.
    const restart = given ? {} : { TSUMUGI_TEST_CLUSTER_RESTART: `bash ${join(cluster, 'restart')} --name ${name}` };
    code = run(process.execPath, [vitest, 'run', '-c', 'vitest.cluster.config.ts', ...process.argv.slice(2)], {
      ...process.env,
      ...restart,
      TSUMUGI_TEST_KUBECONFIG: kubeconfig,
    });
  } finally {
    if (!given) run('bash', [join(cluster, 'down'), '--name', name]);
  }
}
process.exit(code);
