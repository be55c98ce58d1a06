/** The same scripts of requests to a real API server and to ours: the same answers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { customCases } from './differential/custom-cases.ts';
import { deleteCases } from './differential/delete-cases.ts';
import { differences } from './differential/differences.ts';
import { listCases } from './differential/list-cases.ts';
import { openBoth, type Both, type Script } from './differential/servers.ts';
import { podCases } from './differential/pod-cases.ts';
import { strategicCases } from './differential/strategic-cases.ts';
import { watchCases } from './differential/watch-cases.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];

const suites: Readonly<Record<string, Readonly<Record<string, Script>>>> = {
  'strategic merge patch': strategicCases,
  lists: listCases,
  watches: watchCases,
  deletes: deleteCases,
  pods: podCases,
  'our kinds': customCases,
};

describe.runIf(path)('a real API server and ours', () => {
  let both: Both;
  beforeAll(async () => {
    both = await openBoth(path as string);
  });
  afterAll(() => both?.close());

  describe.each(Object.entries(suites))('%s', (suite, cases) => {
    it.concurrent.each(Object.entries(cases).map(([what, script], index) => [what, script, index] as const))(
      '%s',
      async (_, script, index) => {
        const { theirs, mine } = await both.play(`${suite.replaceAll(/[^a-z]+/g, '-')}-${index}-${process.pid}`, script);
        expect(differences(theirs, mine)).toEqual([]);
      },
    );
  });
});

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
