/** Programs as functions, whatever carries them. */
import { describe, expect, test } from 'vitest';
import type { FunctionResource } from '../../src/resources/function.ts';
import type { World } from './substrate.ts';

/** Those of one moment are in no order. */
const born = ({ metadata }: { metadata: { creationTimestamp?: string } }): number => Date.parse(metadata.creationTimestamp ?? '');

export function binaryTests(world: () => World, soon: (what: string, check: () => unknown) => Promise<void>): void {
  const patch = (): Promise<string> =>
    world()
      .substrate.fetch('/counter', { method: 'PATCH' })
      .then((answer) => answer.text());

  describe('a script that counts its calls in a file', () => {
    test('is a function of runtime binary, with a route', async () => {
      expect(await world().ok('runtime', 'list')).toMatch(/^binary +tsumugi\/binary +3 +True +Ready +\S+$/m);
      await world().ok('fn', 'create', '--name', 'counter', '--runtime', 'binary', '--code', 'examples/counter/counter.sh');
      expect(await world().ok('fn', 'list', '-o', 'wide')).toMatch(
        /^counter +True +Ready +\S+\/function\/counter\S* +counter-00001 +binary +\S+$/m,
      );
      await world().ok('route', 'create', '--method', 'PATCH', '--path', '/counter', '--function', 'counter');
      expect(await world().ok('route', 'list')).toMatch(/^counter +<none> +\["PATCH"\] +\/counter +<none> +counter /m);
    });

    test('is run in one pod, which keeps its file', async () => {
      await soon('the route is known', async () => (await world().substrate.fetch('/counter')).status === 405);
      for (const count of [1, 2, 3, 4]) expect((await patch()).trim()).toBe(String(count));
      const refused = await world().substrate.fetch('/counter');
      expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'PATCH']);
      expect(await refused.json()).toMatchObject({ error: { code: 'MethodNotAllowed', hint: 'use PATCH' } });
    });

    test('three pods are pooled, the youngest among them, and one is specialised', async ({ skip }) => {
      const pods = () => world().pods('tsumugi.dev/runtime=binary');
      await soon('the pool is full again', async () => {
        const all = await pods();
        return all.length === 4 && all.every(({ status }) => status?.phase === 'Running');
      });
      const all = await pods();
      const [own, ...more] = all.filter(({ metadata }) => metadata.labels?.['tsumugi.dev/function'] === 'counter');
      expect(more).toEqual([]);
      expect(Math.max(...all.filter((pod) => pod !== own).map(born))).toBeGreaterThanOrEqual(born(own!));

      const { kubectl, namespace } = world().substrate;
      skip(kubectl === undefined, 'there is no kubectl');
      const table = (await kubectl?.ok(['get', 'pods', '-n', namespace, '-l', 'tsumugi.dev/runtime=binary', '--show-labels'])) ?? '';
      expect(table.match(/^binary-\w+ +1\/1 +Running .*tsumugi\.dev\/runtime=binary$/gm)).toHaveLength(4);
      expect(table.match(/tsumugi\.dev\/function=counter,tsumugi\.dev\/revision=counter-00001/g)).toHaveLength(1);
      const { name } = own!.metadata;
      const described = await kubectl?.ok(['describe', 'pod', '-n', namespace, name]);
      expect(described).toMatch(/^Labels: +tsumugi\.dev\/function=counter$/m);
      expect(described).toMatch(/^Controlled By: +Revision\/counter-00001$/m);
      const dates = (await kubectl?.ok(['exec', '-n', namespace, name, '--', 'cat', '/tmp/counter.txt'])) ?? '';
      expect(dates.trim().split('\n').map(Date.parse).filter(Number.isFinite)).toHaveLength(4);
    });

    test('begins again when it was idle', async () => {
      await world().ok('deploy', 'examples/counter/counter.sh', '--idle-timeout', '1s');
      await soon('the specialised pod is gone', async () => (await world().pods('tsumugi.dev/function=counter')).length === 0);
      expect((await patch()).trim()).toBe('1');
    });
  });

  test('a program that fails is a 500, and its errors are in the log', async () => {
    await world().ok('deploy', world().file('fails.sh', '#!/bin/sh\necho "no such order" >&2\nexit 3\n'));
    const answer = await world().fetch('fails');
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({
      error: { code: 'HandlerError', message: expect.stringContaining('exit code 3') as string },
    });
    const line = `[${answer.headers.get('x-request-id')}] no such order`;
    await soon('the log has it', async () => (await world().ok('logs', 'fails')).includes(line));
  });

  test('a program that takes too long is killed with all that it started; the next request is served', async () => {
    const script = `#!/bin/sh
if [ "$QUERY_STRING" = long ]; then sleep 1000 & echo $! >/tmp/child; wait; fi
cat /proc/$(cat /tmp/child)/status 2>/dev/null || echo gone
`;
    await world().ok('deploy', world().file('dawdling.sh', script), '--timeout', '1s');
    expect((await world().fetch('dawdling', '?long')).status).toBe(504);
    expect(await world().text('dawdling')).toMatch(/^gone$|^State:\s+Z/m);
  });

  test('a script whose interpreter is missing is told at the deploy, and in the condition', async () => {
    const refused = await world().run('deploy', world().file('strange.sh', '#!/opt/strange\n'));
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/the interpreter "\/opt\/strange" .* is not in the function's pod/),
    ]);
    const { status } = await world().object<FunctionResource>('function', 'strange');
    expect(status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'RevisionFailed',
      message: expect.stringContaining('/opt/strange') as string,
    });
  });

  test('a script may stand in a manifest', async () => {
    await world().apply(
      'apiVersion: tsumugi.dev/v1\nkind: Function\nmetadata: {name: upper-sh}\nspec:\n  runtime: binary\n  source:\n    inline: |\n      tr a-z A-Z\n',
    );
    await soon('it is Ready', async () => (await world().fetch('upper-sh', '', { method: 'POST', body: 'hello' })).status === 200);
    expect(await (await world().fetch('upper-sh', '', { method: 'POST', body: 'hello' })).text()).toBe('HELLO');
  });

  test('a function may become a program, and a module again', async () => {
    await world().deploy('either', 'export default () => "module";');
    expect(await world().text('either')).toBe('module');
    await world().ok('deploy', world().file('either.sh', '#!/bin/sh\nprintf program\n'));
    expect(await world().text('either')).toBe('program');
    await world().deploy('either', 'export default () => "again";');
    expect(await world().text('either')).toBe('again');
  });
}
