/** kubectl, each version that is here, says the same of the embedded API as of a real one, command by command. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nameSuffix } from '../../../src/base/ids.ts';
import { createHttpClient } from '../../../src/kube/http/client.ts';
import { loadConnection } from '../../../src/kube/kubeconfig.ts';
import { findKubectls, Kubectl } from '../../e2e/kubectl.ts';
import { installKinds } from '../custom-kinds.ts';
import { openOurs } from '../ours.ts';
import { chapters } from './chapters.ts';
import { transcript } from './step.ts';

const kubeconfig = process.env['TSUMUGI_TEST_KUBECONFIG'] ?? '';
const found = await findKubectls();
const missing =
  found.length === 0 ? 'no kubectl >= 1.27 in $KUBECTL or PATH' : kubeconfig ? '' : 'TSUMUGI_TEST_KUBECONFIG names no cluster';

describe.skipIf(missing !== '')(`kubectl${missing && `: skipped, ${missing}`}`, () => {
  let own: Awaited<ReturnType<typeof openOurs>>;

  beforeAll(async () => {
    const client = createHttpClient(await loadConnection({ path: kubeconfig }));
    await installKinds(client).finally(() => client.close());
    own = await openOurs();
  });

  afterAll(() => own?.close());

  describe.each(found)('1.$minor sees no difference in', ({ path }) => {
    // Each in a namespace of its own; much of it is waiting.
    it.concurrent.each(Object.entries(chapters))('%s', { timeout: 240_000 }, async (name, chapter) => {
      const namespace = `kubectl-${name}-${nameSuffix()}`;
      const real = new Kubectl(path, await readFile(kubeconfig, 'utf8'));
      const ours = new Kubectl(path, own.api.kubeconfig);
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
