/** What a function does, whatever carries it. Nothing here may know which substrate it is; what only one of them has is tested elsewhere. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FunctionResource } from '../../src/resources/function.ts';
import { eventually } from '../e2e/platform.ts';
import { binaryTests } from './binary.ts';
import { configTests } from './config.ts';
import { type Substrate, World } from './substrate.ts';

export function functionsSuite(name: string, start: () => Promise<Substrate>): void {
  describe(`functions on ${name}`, () => {
    let world: World;
    const soon = (what: string, check: () => unknown): Promise<void> => eventually(what, check, world.substrate.patience);
    beforeAll(async () => {
      world = new World(await start());
    }, 600_000);
    afterAll(() => world?.stop(), 120_000);

    test('hello: three pods wait, one is the function’s own', async ({ skip }) => {
      await world.deploy('hello', readFileSync('examples/hello/hello.ts', 'utf8'));
      expect(await world.text('hello', '?name=Ada')).toBe('hello Ada\n');
      expect(await world.ok('invoke', 'hello', '--path', '/?name=Bob')).toBe('hello Bob\n');
      await soon('three are pooled and one is specialised', async () => {
        const pods = await world.pods('tsumugi.dev/runtime=node');
        const own = pods.filter(({ metadata }) => metadata.labels?.['tsumugi.dev/function'] === 'hello');
        return pods.length === 4 && own.length === 1 && pods.every(({ status }) => status?.phase === 'Running');
      });
      const { kubectl, namespace } = world.substrate;
      skip(kubectl === undefined, 'there is no kubectl');
      const table = await kubectl?.ok(['get', 'pods', '-n', namespace, '--show-labels']);
      expect(table?.match(/^node-\w+ .* Running .*tsumugi\.dev\/runtime=node/gm)).toHaveLength(4);
      expect(table?.match(/tsumugi\.dev\/function=hello,.*tsumugi\.dev\/revision=hello-00001/g)).toHaveLength(1);
      expect(await kubectl?.ok(['get', 'fn', '-n', namespace, 'hello', '-o', 'jsonpath={.status.latestReadyRevision}'])).toBe(
        'hello-00001',
      );
    });

    test('named exports are called with JSON, by those with the token', async () => {
      await world.deploy('math', 'export const add = (a: number, b: number) => a + b; export const nothing = () => undefined;');
      expect(await world.run('call', 'math.add', '2', '3')).toMatchObject({ code: 0, stdout: '5\n' });
      const unknown = await world.run('call', 'math.sub', '2', '3');
      expect(unknown.code).toBe(1);
      expect(unknown.stderr).toContain('add, nothing');
      const path = `/call/math.${world.substrate.namespace}/add`;
      expect((await world.substrate.fetch(path, { method: 'POST', body: '[1,2]' })).status).toBe(401);
    });

    describe('streams', () => {
      test('an answer comes while the function works', async () => {
        await world.deploy(
          'ticking',
          'export default async function* () { for (const n of [1, 2]) { yield { n }; await new Promise((r) => setTimeout(r, 300)); } }',
        );
        const response = await world.fetch('ticking');
        expect(response.headers.get('content-type')).toBe('application/x-ndjson');
        const reader = response.body!.getReader();
        // The whole answer would be two lines: the first came before the second existed.
        expect(await nextText(reader)).toBe('{"n":1}\n');
        expect(await nextText(reader)).toBe('{"n":2}\n');
        expect((await reader.read()).done).toBe(true);
      });

      test('a body is read as it comes, and answered before its end', async () => {
        await world.deploy(
          'upper',
          'export default async function* (request) { const d = new TextDecoder(); for await (const c of request.body) yield d.decode(c).toUpperCase(); }',
        );
        const input = new TransformStream<Uint8Array, Uint8Array>();
        const writer = input.writable.getWriter();
        const answer = world.fetch('upper', '', { method: 'POST', body: input.readable, duplex: 'half' });
        await writer.write(Buffer.from('first '));
        const reader = (await answer).body!.getReader();
        expect(await nextText(reader)).toBe('FIRST ');
        await writer.write(Buffer.from('second'));
        expect(await nextText(reader)).toBe('SECOND');
        await writer.close();
        expect((await reader.read()).done).toBe(true);
      });
    });

    test('variables come from the spec and from Secrets, whose values no object and no description shows', async () => {
      const secret = 'apiVersion: v1\nkind: Secret\nmetadata: {name: database}\nstringData: {PASSWORD: correct horse}\n';
      expect(await world.apply(secret)).toMatchObject({ code: 0 });
      const source = (last: string): string =>
        `export default () => [process.env.COLOUR, process.env.PASSWORD, process.env.KEY, process.env.${last}];`;
      await world.deploy(
        'settings',
        source('TSUMUGI_FUNCTION'),
        '--env',
        'COLOUR=blue',
        '--secret',
        'database',
        '--secret',
        'KEY=battery staple',
      );
      expect(await (await world.fetch('settings')).json()).toEqual(['blue', 'correct horse', 'battery staple', 'settings']);
      await world.deploy('settings', source('SIZE'), '--env', 'SIZE=9');
      // Each gateway hears of a new revision by itself, a moment after the command has.
      let answer: unknown;
      await soon('the new revision answers', async () => {
        answer = await (await world.fetch('settings')).json();
        return (answer as string[]).at(-1) !== 'settings';
      });
      expect(answer).toEqual(['blue', 'correct horse', 'battery staple', '9']);
      for (const kind of ['functions', 'revisions', 'pods'])
        expect(await world.ok('get', kind, '-o', 'yaml')).not.toMatch(/correct horse|battery staple/);
      expect(await world.ok('describe', 'fn', 'settings')).not.toMatch(/correct horse|battery staple/);
    });

    binaryTests(() => world, soon);
    configTests(() => world, soon);

    test('what it writes is in its log, with the id of the request', async () => {
      await world.deploy('talker', 'export default (request) => { console.log("got", new URL(request.url).search); return "ok"; }');
      const response = await world.fetch('talker', '?one');
      const id = response.headers.get('x-request-id') ?? '';
      expect(await response.text()).toBe('ok');
      await soon('the line is in the log', async () => (await world.ok('logs', 'talker')).includes(`[${id}] got ?one`));
    });

    test('an update under load moves the traffic without a failed request', async () => {
      await world.deploy('versioned', 'export default () => "1";');
      const seen = new Set<string>();
      const end = new AbortController();
      const load = Array.from({ length: 8 }, async () => {
        while (!end.signal.aborted) {
          const response = await world.fetch('versioned');
          seen.add(response.status === 200 ? await response.text() : `${response.status} ${await response.text()}`);
        }
      });
      try {
        await world.deploy('versioned', 'export default () => "2";');
        await soon('new requests get the new version', () => seen.has('2'));
      } finally {
        end.abort();
        await Promise.all(load);
      }
      expect([...seen].toSorted()).toEqual(['1', '2']);
      await soon('every gateway has moved it', async () => {
        const answers = await Promise.all(Array.from({ length: 8 }, () => world.text('versioned')));
        return answers.every((text) => text === '2');
      });
      expect((await world.object<FunctionResource>('function', 'versioned')).status?.latestReadyRevision).toBe('versioned-00002');
    });

    test('requests beyond the concurrency get more instances, at most as many as allowed; the rest wait', async () => {
      await world.deploy(
        'slow',
        'const id = crypto.randomUUID(); export default async () => { await new Promise((r) => setTimeout(r, 500)); return id; }',
        '--concurrency',
        '1',
        '--max-scale',
        '2',
      );
      const seen = new Set<string>();
      const wave = async (): Promise<void> => {
        const answers = await Promise.all(Array.from({ length: 6 }, () => world.fetch('slow')));
        const texts = await Promise.all(answers.map((answer) => answer.text()));
        expect(texts.filter((_, at) => answers[at]?.status !== 200)).toEqual([]);
        for (const text of texts) seen.add(text);
      };
      await soon('a second instance answers', async () => {
        await wave();
        return seen.size > 1;
      });
      await wave();
      expect(seen.size).toBe(2);
      await soon('two pods are its own', async () => (await world.pods('tsumugi.dev/function=slow')).length === 2);
    });

    test('an idle instance goes, and the next request gets a new one', async () => {
      await world.deploy('sleepy', 'let n = 0; export default () => String(++n);', '--idle-timeout', '2');
      expect(await world.text('sleepy')).toBe('1');
      await soon('its pod is told', async () => (await world.pods('tsumugi.dev/function=sleepy')).length === 1);
      await soon('the instance is gone', async () => (await world.pods('tsumugi.dev/function=sleepy')).length === 0);
      expect(await world.text('sleepy')).toBe('1');
    });

    describe('a crash', () => {
      test('costs the request that it was at: 502, in plain words, and the next one gets another instance', async () => {
        const source =
          'const id = crypto.randomUUID(); export default (request) => { if (request.url.endsWith("?exit")) process.exit(7); if (request.url.endsWith("?abort")) process.abort(); return id; }';
        await world.deploy('mortal', source);
        let before = await world.text('mortal');
        for (const how of ['exit', 'abort']) {
          const response = await world.fetch('mortal', `?${how}`);
          const { error } = (await response.json()) as { error: { code: string; revision: string; requestId: string } };
          expect([response.status, error.code, error.revision]).toEqual([502, 'InstanceExited', 'mortal-00001']);
          expect(error.requestId).toBe(response.headers.get('x-request-id'));
          const after = await world.text('mortal');
          expect(after).toMatch(/^[0-9a-f-]{36}$/);
          expect(after).not.toBe(before);
          before = after;
        }
        await soon('the end is in the log', async () => (await world.ok('logs', 'mortal')).includes('the process ended with exit code 7'));
      });

      test('of a pod that is deleted costs nothing that comes after', async () => {
        await world.deploy('deleted', 'const id = crypto.randomUUID(); export default () => id;');
        const before = await world.text('deleted');
        await soon('its pod is told', async () => (await world.pods('tsumugi.dev/function=deleted')).length === 1);
        const [pod] = await world.pods('tsumugi.dev/function=deleted');
        await world.ok('delete', 'pod', pod?.metadata.name ?? '');
        await soon('another instance answers', async () => {
          const response = await world.fetch('deleted');
          expect(response.status).toBe(200);
          return (await response.text()) !== before;
        });
      });
    });

    describe('what is wrong is told at once, and changes nothing', () => {
      const head = 'apiVersion: tsumugi.dev/v1\nkind: Function\nmetadata: {name: bad}\n';
      test.each([
        ['a number out of range', `${head}spec: {source: {inline: "export default () => 1"}, timeoutSeconds: 0}\n`, 'spec.timeoutSeconds'],
        ['two sources', `${head}spec: {source: {inline: "1", package: "sha256:${'0'.repeat(64)}"}}\n`, 'spec.source'],
        ['no source', `${head}spec: {source: {}}\n`, 'spec.source'],
        ['an unknown field', `${head}spec: {source: {inline: "1"}, timeout: 3}\n`, 'spec.timeout'],
        ['a rule over two fields', `${head}spec: {source: {inline: "1"}, scale: {min: 3, max: 2}}\n`, 'spec.scale'],
        ['a name that is too long', `${head.replace('bad', 'a'.repeat(41))}spec: {source: {inline: "1"}}\n`, 'metadata.name'],
        ['an unknown kind', 'apiVersion: tsumugi.dev/v1\nkind: Funktion\nmetadata: {name: bad}\n', 'did you mean Function?'],
      ])('%s', async (_, manifest, told) => {
        const result = await world.apply(manifest);
        expect(result).toMatchObject({ code: 1, stdout: '' });
        expect(result.stderr).toContain(told);
        expect((await world.run('get', 'fn', 'bad')).code).toBe(1);
      });

      test('a source with an error, with file and line', async () => {
        await expect(world.deploy('wrong', 'export default () => {\n  return (;\n};')).rejects.toThrow(/wrong\.ts:2:\d+/);
        expect((await world.fetch('wrong')).status).toBe(404);
      });

      test('a new version that does not load leaves the traffic where it is', async () => {
        await world.deploy('careful', 'export default () => "good";');
        expect(await world.text('careful')).toBe('good');
        await expect(world.deploy('careful', 'throw new Error("at load"); export default () => "bad";')).rejects.toThrow('at load');
        expect(await world.text('careful')).toBe('good');
        expect(await world.ok('describe', 'fn', 'careful')).toMatch(/^Last error\n.*at load/m);
      });

      test('and is tried again by whoever deploys the same, because what it needs has been mended', async () => {
        const secret = (value: string): string => `apiVersion: v1\nkind: Secret\nmetadata: {name: mended}\nstringData: {MODE: ${value}}\n`;
        const source = 'if (process.env.MODE !== "right") throw new Error(`mode ${process.env.MODE}`); export default () => "well";';
        await world.apply(secret('wrong'));
        await expect(world.deploy('retried', source, '--secret', 'mended')).rejects.toThrow('mode wrong');
        await world.apply(secret('right'));
        await world.deploy('retried', source, '--secret', 'mended');
        expect(await world.text('retried')).toBe('well');
      });

      test('a Secret that is not there', async () => {
        const missing = `${head.replace('bad', 'needy')}spec: {source: {inline: "export default () => 1"}, secrets: [absent]}\n`;
        expect(await world.apply(missing)).toMatchObject({ code: 0 });
        await world.ok('wait', 'fn/needy', '--for', 'condition=Ready=False', '--timeout', `${world.substrate.patience}s`);
        expect(await world.ok('describe', 'fn', 'needy')).toMatch(/^Last error\n.*absent/m);
        expect(await world.apply('apiVersion: v1\nkind: Secret\nmetadata: {name: absent}\nstringData: {A: b}\n')).toMatchObject({
          code: 0,
        });
        await world.ok('wait', 'fn/needy', '--timeout', `${world.substrate.patience}s`);
        expect(await world.text('needy')).toBe('1');
      });
    });

    test('what is deleted is gone with all that was made for it', async () => {
      await world.deploy('gone', 'export default () => 1;', '--secret', 'A=b');
      expect(await world.text('gone')).toBe('1');
      await world.ok('delete', 'fn', 'gone');
      await world.ok('wait', 'fn/gone', '--for', 'delete', '--timeout', `${world.substrate.patience}s`);
      await soon('no pod, revision or Secret of it is left', async () => {
        const left = await Promise.all(
          ['pods', 'revisions'].map((kind) => world.ok('get', kind, '-l', 'tsumugi.dev/function=gone', '-o', 'name')),
        );
        return left.join('') === '' && !(await world.ok('get', 'secrets', '-o', 'name')).includes('gone-env');
      });
      await soon('it is not found', async () => (await world.fetch('gone')).status === 404);
    });
  });
}

async function nextText(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const { value } = await reader.read();
  return Buffer.from(value ?? []).toString();
}
