/**
 * The suites that need a real Kubernetes, on one. Arguments go to vitest.
 *
 * `npm run test:cluster` (`test/cluster/`): the API alone. TSUMUGI_TEST_KUBECONFIG names a running cluster; else one is started
 * (control plane only) with `cluster/up` of the folder TSUMUGI_SHARED (default ../shared) and ended afterwards.
 *
 * `npm run test:kubernetes` (`test/kubernetes/`): with a node that runs pods, and a registry. TSUMUGI_TEST_KUBERNETES and
 * TSUMUGI_IMAGE_IMPORT name a running cluster and what puts images into it; else one is started likewise (needs root).
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const cluster = join(resolve(process.env['TSUMUGI_SHARED'] ?? '../shared'), 'cluster');
const [suite = 'cluster', ...vitestArguments] = process.argv.slice(2);
const whole = suite === 'kubernetes';
const variable = whole ? 'TSUMUGI_TEST_KUBERNETES' : 'TSUMUGI_TEST_KUBECONFIG';
const name = `${suite}-${process.pid}`;

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): number {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env });
  if (error) throw error;
  return status ?? 1;
}

/** Starts a cluster and says where its kubeconfig is: the script prints `export KUBECONFIG=…`. */
function start(): string {
  const { stdout, status, error } = spawnSync('bash', [join(cluster, 'up'), ...(whole ? [] : ['--control-plane']), '--name', name], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  const kubeconfig = /^export KUBECONFIG=(.+)$/m.exec(stdout ?? '')?.[1];
  if (error || status !== 0 || !kubeconfig) throw error ?? new Error(`cluster/up ended with ${status}`);
  return kubeconfig;
}

/** What the suite of the whole cluster needs beside its kubeconfig. */
function tools(kubeconfig: string): NodeJS.ProcessEnv {
  const { stdout, status } = spawnSync('bash', ['scripts/tools/registry'], { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
  if (status !== 0) throw new Error(`scripts/tools/registry ended with ${status}`);
  const ours = {
    TSUMUGI_IMAGE_IMPORT: `bash ${join(cluster, 'import-image')} --name ${name}`,
    KUBECTL: join(dirname(kubeconfig), 'bin', 'kubectl'),
  };
  return { ...(given ? {} : ours), TSUMUGI_TEST_REGISTRY: stdout.trim() };
}

let code = 1;
const given = process.env[variable] || undefined;
if (!given && !existsSync(join(cluster, 'up'))) {
  console.error(
    `test:${suite}: no cluster: ${cluster}/up is not there; set TSUMUGI_SHARED, or ${variable} to a running cluster's kubeconfig`,
  );
} else {
  try {
    const kubeconfig = given ?? start();
    const vitest = join('node_modules', 'vitest', 'vitest.mjs');
    // Only a cluster of our own may be broken by a test.
    const restart = given ? {} : { TSUMUGI_TEST_CLUSTER_RESTART: `bash ${join(cluster, 'restart')} --name ${name}` };
    code = run(process.execPath, [vitest, 'run', '-c', `vitest.${suite}.config.ts`, ...vitestArguments], {
      ...process.env,
      ...restart,
      ...(whole ? tools(kubeconfig) : {}),
      [variable]: kubeconfig,
    });
  } finally {
    if (!given) run('bash', [join(cluster, 'down'), '--name', name]);
  }
}
process.exit(code);
