/**
 * `npm run bench:cluster [-- ROW …] [-- --quick]`: what issues 4 and 6 promise of functions and jobs on a Kubernetes, as a table. Needs wrk
 * (`apt-get install wrk`), and root for a cluster of its own; or TSUMUGI_TEST_KUBERNETES is the kubeconfig of a running one, with
 * `kubectl` in PATH or KUBECTL, whose pods and Services this machine reaches. A platform that is there already is measured as it is.
 * Exits 1 when a figure does not reach what it must.
 */
import { startCluster } from '../scripts/lib/cluster.ts';
import { apply } from './cluster/apply.ts';
import { cold } from './cluster/cold.ts';
import { execution } from './cluster/execution.ts';
import { idle } from './cluster/idle.ts';
import { install } from './cluster/installed.ts';
import { warm } from './cluster/warm.ts';
import { choose, report } from './lib/report.ts';

const choice = choose([warm, cold, apply, idle, execution], process.argv.slice(2));
const given = process.env['TSUMUGI_TEST_KUBERNETES'];
const cluster = given
  ? {
      kubeconfig: given,
      kubectl: process.env['KUBECTL'] || 'kubectl',
      imageImport: process.env['TSUMUGI_IMAGE_IMPORT'],
      stop: () => undefined,
    }
  : startCluster(`bench-${process.pid}`, 'TSUMUGI_TEST_KUBERNETES');
let missed = 1;
try {
  const installed = await install(cluster);
  try {
    missed = await report(choice, installed);
  } finally {
    installed.close();
  }
} finally {
  cluster.stop();
}
process.exit(missed > 0 ? 1 : 0);
