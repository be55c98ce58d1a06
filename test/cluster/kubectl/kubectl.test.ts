/** kubectl, each version that is here, says the same of the embedded API as of a real one, command by command. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nameSuffix } from '../../../src/base/ids.ts';
import { type EmbeddedApi, openEmbeddedApi } from '../../../src/embedded/api/index.ts';
import { runEmbeddedControllers } from '../../../src/embedded/controllers/index.ts';
import { createHttpClient } from '../../../src/kube/http/client.ts';
import { loadConnection } from '../../../src/kube/kubeconfig.ts';
import { findKubectls, Kubectl } from '../../e2e/kubectl.ts';
import { installKinds } from '../custom-kinds.ts';
import { chapters } from './chapters.ts';
import { transcript } from './step.ts';

const kubeconfig = process.env['TSUMUGI_TEST_KUBECONFIG'] ?? '';
const found = await findKubectls();
const missing =
  found.length === 0 ? 'no kubectl >= 1.27 in $KUBECTL or PATH' : kubeconfig ? '' : 'TSUMUGI_TEST_KUBECONFIG names no cluster';

describe.skipIf(missing !== '')(`kubectl${missing && `: skipped, ${missing}`}`, () => {
  let data: string;
  let api: EmbeddedApi;
  let controllers: Promise<void>;
  const stop = new AbortController();

  beforeAll(async () => {
    const client = createHttpClient(await loadConnection({ path: kubeconfig }));
    await installKinds(client).finally(() => client.close());
    data = await mkdtemp(join(tmpdir(), 'tsumugi-kubectl-'));
    api = await openEmbeddedApi({ data });
    controllers = runEmbeddedControllers({ client: api.client, store: api.store, signal: stop.signal });
  });

  afterAll(async () => {
    stop.abort();
    await controllers;
    await api.close();
    await rm(data, { recursive: true });
  });

  describe.each(found)('1.$minor sees no difference in', ({ path }) => {
    it.each(Object.entries(chapters))('%s', { timeout: 240_000 }, async (name, chapter) => {
      const namespace = `kubectl-${name}-${nameSuffix()}`;
      const real = new Kubectl(path, await readFile(kubeconfig, 'utf8'));
      const ours = new Kubectl(path, api.kubeconfig);
      try {
        const [expected, said] = await Promise.all([transcript(real, chapter, namespace), transcript(ours, chapter, namespace)]);
        expect(said).toEqual(expected);
      } finally {
        real.close();
        ours.close();
      }
    });
  });
});
