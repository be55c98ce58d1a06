/** A real Kubernetes as a RemoteCluster of a platform on this machine. */
import { readFileSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { cleanUp } from '../e2e/platform.ts';
import { reachByName } from '../e2e/remote.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];
afterAll(cleanUp);

it.runIf(path)(
  'a real Kubernetes is reached by its name, from a script and from a function',
  async () => {
    expect(await reachByName(readFileSync(path as string, 'utf8'))).toMatch(/^v1\.\d+\.\d+$/);
  },
  240_000,
);

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
