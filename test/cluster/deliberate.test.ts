/** What `docs/kubernetes-fidelity.md` says to differ on purpose: it differs so, and nothing that differs so is left out. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deliberate } from './differential/deliberate-cases.ts';
import { differences } from './differential/differences.ts';
import { openBoth, type Both } from './differential/servers.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];
const heading = '| case | what | here | why |';

/** The first cell of each row of the table. */
function casesTold(): string[] {
  const text = readFileSync('docs/kubernetes-fidelity.md', 'utf8');
  const [, rows = ''] = text.split(`${heading}\n`);
  return [...(rows.split('\n\n')[0]?.matchAll(/^\| ([^|]+?) \|/gm) ?? [])]
    .map((match) => match[1] as string)
    .filter((cell) => !cell.startsWith('-'));
}

it('the page and the cases name the same differences', () => {
  expect(casesTold()).toEqual(Object.keys(deliberate));
});

describe.runIf(path)('what differs on purpose from a real API server', () => {
  let both: Both;
  beforeAll(async () => {
    both = await openBoth(path as string);
  });
  afterAll(() => both?.close());

  it.concurrent.each(Object.entries(deliberate).map(([what, each], index) => [what, each, index] as const))(
    '%s',
    async (_, { script, only }, index) => {
      const { theirs, mine } = await both.play(`deliberate-${index}-${process.pid}`, script);
      const found = differences(theirs, mine);
      expect(found.length).toBeGreaterThan(0);
      for (const each of found) expect(each).toMatch(only);
    },
  );
});

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
