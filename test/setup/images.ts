/** Before the suites of a whole Kubernetes: its nodes get the images of this checkout, once for all of them. */
import { spawnSync } from 'node:child_process';

export default function importImages(): void {
  const kubeconfig = process.env['TSUMUGI_TEST_KUBERNETES'];
  if (!kubeconfig) return;
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  const { status } = spawnSync(process.execPath, ['bin/tsumugi.js', 'images', 'build', '--import'], { env, stdio: 'inherit' });
  if (status !== 0) throw new Error(`tsumugi images build --import ended with ${status}`);
}
