/** kubectl says the same of the embedded API as of a real one, command by command. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nameSuffix } from '../../src/base/ids.ts';
import { openEmbeddedApi } from '../../src/embedded/api/index.ts';
import { runEmbeddedControllers } from '../../src/embedded/controllers/index.ts';
import { createHttpClient } from '../../src/kube/http/client.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';
import { transcript } from '../e2e/kubectl-script.ts';
import { findKubectl, Kubectl } from '../e2e/kubectl.ts';
import { installKinds } from './custom-kinds.ts';

const kubeconfig = process.env['TSUMUGI_TEST_KUBECONFIG'];
const found = await findKubectl();
const missing = 'missing' in found ? found.missing : kubeconfig ? '' : 'TSUMUGI_TEST_KUBECONFIG names no cluster';

it(`kubectl sees no difference${missing && `: skipped, ${missing}`}`, { timeout: 180_000 }, async ({ skip }) => {
  skip(missing !== '', missing);
  const path = 'path' in found ? found.path : '';
  const namespace = `kubectl-${nameSuffix()}`;

  const client = createHttpClient(await loadConnection({ path: kubeconfig ?? '' }));
  await installKinds(client).finally(() => client.close());
  const real = new Kubectl(path, await readFile(kubeconfig ?? '', 'utf8'));
  const expected = await transcript(real, namespace).finally(() => real.close());

  const data = await mkdtemp(join(tmpdir(), 'tsumugi-kubectl-'));
  const api = await openEmbeddedApi({ data });
  const stop = new AbortController();
  const controllers = runEmbeddedControllers({ client: api.client, store: api.store, signal: stop.signal });
  const ours = new Kubectl(path, api.kubeconfig);
  try {
    expect(await transcript(ours, namespace)).toEqual(expected);
  } finally {
    ours.close();
    stop.abort();
    await controllers;
    await api.close();
    await rm(data, { recursive: true });
  }
});
