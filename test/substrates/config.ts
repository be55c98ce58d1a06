/** Secrets, ConfigMaps, who may call, and fresh pods: a part of the suite. */
import { describe, expect, test } from 'vitest';
import type { FunctionResource } from '../../src/resources/function.ts';
import type { World } from './substrate.ts';

const configMap = (name: string, text: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {greeting: "${text}"}\n`;

export function configTests(world: () => World, soon: (what: string, check: () => unknown) => Promise<void>): void {
  describe('Secrets and ConfigMaps', () => {
    test('are files that only the function may read, in memory or in a folder of its own', async () => {
      expect(await world().apply(configMap('words', 'hello'))).toMatchObject({ code: 0 });
      const source = `import { readFileSync, statSync, writeFileSync } from 'node:fs';
        const tell = (path) => { const { mode, uid } = statSync(path); return [readFileSync(path, 'utf8'), (mode & 0o777).toString(8), uid === process.getuid()]; };
        export default () => ({
          config: tell(process.env.TSUMUGI_CONFIGS + '/words/greeting'),
          secret: tell(process.env.TSUMUGI_SECRETS + '/reader-env/KEY'),
          asInFission: tell([process.env.TSUMUGI_SECRETS, process.env.TSUMUGI_NAMESPACE, 'reader-env', 'KEY'].join('/')),
          variables: [process.env.greeting, process.env.KEY],
        });`;
      await world().deploy('reader', source, '--config', 'words', '--secret', 'KEY=battery staple');
      expect(await (await world().fetch('reader')).json()).toEqual({
        config: ['hello', '400', true],
        secret: ['battery staple', '400', true],
        asInFission: ['battery staple', '400', true],
        variables: ['hello', 'battery staple'],
      });
      const label = await world().ok('get', 'secrets', '-l', 'tsumugi.dev/function=reader', '-o', 'name');
      expect(label).toBe('secret/reader-env\n');
    });

    test('that change reach new instances, and the old ones go without a failed request', async () => {
      expect(await world().apply(configMap('changing', 'old'))).toMatchObject({ code: 0 });
      await world().deploy('follower', 'export default () => process.env.greeting;', '--config', 'changing');
      const seen = new Set<string>();
      const end = new AbortController();
      const load = Array.from({ length: 4 }, async () => {
        while (!end.signal.aborted) {
          const response = await world().fetch('follower');
          seen.add(response.status === 200 ? await response.text() : `${response.status} ${await response.text()}`);
        }
      });
      try {
        await soon('it answers', () => seen.has('old'));
        expect(await world().apply(configMap('changing', 'new'))).toMatchObject({ code: 0 });
        await soon('the new value comes', () => seen.has('new'));
      } finally {
        end.abort();
        await Promise.all(load);
      }
      expect([...seen].toSorted()).toEqual(['new', 'old']);
      await soon('every gateway has moved it', async () => {
        const answers = await Promise.all(Array.from({ length: 8 }, () => world().text('follower')));
        return answers.every((text) => text === 'new');
      });
      expect((await world().object<FunctionResource>('function', 'follower')).status?.latestReadyRevision).toBe('follower-00002');
    });

    test('that are set anew by a deploy are there at once', async () => {
      const source = 'export default () => process.env.KEY;';
      await world().deploy('rekeyed', source, '--secret', 'KEY=one');
      expect(await world().text('rekeyed')).toBe('one');
      await world().deploy('rekeyed', source, '--secret', 'KEY=two');
      await soon('the new value is there', async () => (await world().text('rekeyed')) === 'two');
    });
  });

  test('a private function answers those with the token alone, by every way to it', async () => {
    await world().deploy('secluded', 'export default () => "in"; export const add = (a, b) => a + b;', '--visibility', 'private');
    await world().ok('route', 'create', 'secluded', '--function', 'secluded', '--path', '/secluded');
    const { substrate } = world();
    await soon('the route leads there', async () => (await substrate.fetch('/secluded')).status === 401);
    const refused = await world().fetch('secluded');
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ error: { code: 'Unauthorized', hint: expect.stringContaining('Bearer TOKEN') } });
    expect(await world().ok('invoke', 'secluded')).toBe('in');
    expect(await world().ok('call', 'secluded.add', '1', '2')).toBe('3\n');
    expect(await world().ok('describe', 'fn', 'secluded')).toContain('private: callers need a token');
    await world().deploy('secluded', 'export default () => "in";', '--visibility', 'public');
    await soon('everybody may', async () => (await world().text('secluded')) === 'in');
  });

  describe('a function whose pods are never used again', () => {
    test('answers each request from a fresh pod, and nothing of the one before is there', async () => {
      const source = `import { existsSync, writeFileSync } from 'node:fs';
        const id = crypto.randomUUID(); let served = 0;
        export default () => { const left = existsSync('/tmp/mark'); writeFileSync('/tmp/mark', 'x'); return { id, served: ++served, left }; };`;
      await world().deploy('fresh', source, '--reuse', 'never');
      const answers: { id: string }[] = [];
      for (let n = 0; n < 3; n++) answers.push((await (await world().fetch('fresh')).json()) as { id: string });
      expect(answers).toEqual(answers.map(({ id }) => ({ id, served: 1, left: false })));
      expect(new Set(answers.map(({ id }) => id)).size).toBe(3);
      await soon('the pods have gone', async () => (await world().pods('tsumugi.dev/function=fresh')).length === 0);
      await soon('the pool is full again', async () => (await world().pods('tsumugi.dev/runtime=node,!tsumugi.dev/function')).length === 3);
    });

    test('takes as many requests at a time as it may have pods; the rest wait', async () => {
      const source = `const id = crypto.randomUUID(); let now = 0;
        export default async () => { now++; await new Promise((done) => setTimeout(done, 50)); return id + ' ' + now--; };`;
      await world().deploy('turns', source, '--reuse', 'never', '--max-scale', '2');
      const answers = await Promise.all(Array.from({ length: 8 }, () => world().fetch('turns')));
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
      const texts = await Promise.all(answers.map((answer) => answer.text()));
      expect(texts.every((text) => text.endsWith(' 1'))).toBe(true);
      expect(new Set(texts).size).toBe(8);
    });
  });
}
