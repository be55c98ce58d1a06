/** Another `tsumugi up` as a RemoteCluster; a real API server is one in `test/cluster/remote-cluster.test.ts`. */
import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { cleanUp, startPlatform } from './platform.ts';
import { reachByName } from './remote.ts';

afterAll(cleanUp);

test('another platform is reached by its name, from a script and from a function', async () => {
  const other = await startPlatform();
  expect(await reachByName(readFileSync(other.kubeconfig, 'utf8'))).toMatch(/\+tsumugi$/);
}, 240_000);
