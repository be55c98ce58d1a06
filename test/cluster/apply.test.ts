/** Server-side apply and managedFields: the embedded API answers as a real API server does. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cases } from './apply/cases.ts';
import { play } from './apply/script.ts';
import { openBoth, type Both } from './differential/servers.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];
const namespace = `apply-${process.pid}`;

describe.runIf(path)('server-side apply on a real API server and on ours', () => {
  let both: Both;
  beforeAll(async () => {
    both = await openBoth(path as string);
    await both.makeNamespace(namespace);
  });
  afterAll(() => both?.close());

  it.each(cases.map(([what, script], index) => [what, script, index] as const))('%s', async (_, script, index) => {
    const name = `case-${index}`;
    const [theirs, mine] = await Promise.all([both.real, both.ours].map((server) => play(server, namespace, name, script)));
    expect(mine).toEqual(theirs);
  });
});

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
