/**
 * The suites that need a real Kubernetes, on one. Arguments go to vitest.
 *
 * `npm run test:cluster` (`test/cluster/`): the API alone. TSUMUGI_TEST_KUBECONFIG names a running cluster; else one is started
 * (control plane only) and ended afterwards.
 *
 * `npm run test:kubernetes` (`test/kubernetes/`): with a node that runs pods, and a registry. TSUMUGI_TEST_KUBERNETES and
 * TSUMUGI_IMAGE_IMPORT name a running cluster and what puts images into it; else one is started likewise (needs root).
 *
 * `npm run faults` (`test/faults/`): the same kind of cluster, broken under load in every way that `docs/reliability.md` tells of.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { startCluster } from './lib/cluster.ts';

const [suite = 'cluster', ...vitestArguments] = process.argv.slice(2);
const whole = suite !== 'cluster';
const variable = whole ? 'TSUMUGI_TEST_KUBERNETES' : 'TSUMUGI_TEST_KUBECONFIG';

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): number {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env });
  if (error) throw error;
  return status ?? 1;
}

function registry(): string {
  const { stdout, status } = spawnSync('bash', ['scripts/tools/registry'], { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
  if (status !== 0) throw new Error(`scripts/tools/registry ended with ${status}`);
  return stdout.trim();
}

/** A cluster that was given, or one of our own: only that one may be broken by a test. */
function start(): { env: NodeJS.ProcessEnv; stop: () => void } {
  const given = process.env[variable];
  if (given) return { env: { [variable]: given }, stop: () => undefined };
  const { kubeconfig, kubectl, imageImport, restart, stop } = startCluster(`${suite}-${process.pid}`, variable);
  const tools = whole ? { TSUMUGI_IMAGE_IMPORT: imageImport, KUBECTL: kubectl } : {};
  return { env: { [variable]: kubeconfig, TSUMUGI_TEST_CLUSTER_RESTART: restart, ...tools }, stop };
}

let code = 1;
try {
  const { env, stop } = start();
  try {
    const vitest = join('node_modules', 'vitest', 'vitest.mjs');
    code = run(process.execPath, [vitest, 'run', '-c', `vitest.${suite}.config.ts`, ...vitestArguments], {
      ...process.env,
      ...env,
      ...(suite === 'kubernetes' ? { TSUMUGI_TEST_REGISTRY: registry() } : {}),
    });
  } finally {
    stop();
  }
} catch (error) {
  console.error(`${suite}: ${(error as Error).message}`);
}
process.exit(code);
