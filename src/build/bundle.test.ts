import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';

import { bundleFunction } from './bundle.ts';
import { stopEsbuild } from './esbuild.ts';
import { readManifest } from './package.ts';
import { readTar } from './tar.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-build-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
afterAll(() => stopEsbuild());

function write(files: Record<string, string>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return join(folder, Object.keys(files)[0] ?? '');
}

/** Unpacks and imports, as a pod does. */
async function load(tar: Uint8Array): Promise<Record<string, (...args: unknown[]) => unknown>> {
  const out = mkdtempSync(join(folder, 'unpacked-'));
  for (const [name, bytes] of Object.entries(readTar(tar))) writeFileSync(join(out, name), bytes);
  return (await import(pathToFileURL(join(out, 'handler.mjs')).href)) as never;
}

describe('bundling a file', () => {
  it('gives one module that runs, with its exports', async () => {
    const file = write({
      'hello.ts': `import { greet } from './lib/greet.ts'; import text from './note.txt'; import data from './data.json';
        export default (): string => greet('world') + text + data.n; export const add = (a: number, b: number): number => a + b;`,
      'lib/greet.ts': 'export const greet = (name: string): string => `hello ${name}`;',
      'note.txt': '!',
      'data.json': '{"n": 1}',
    });
    const bundled = await bundleFunction({ file });
    expect(bundled.exports).toEqual(['add', 'default']);
    expect(readManifest(bundled.package)).toEqual({ formatVersion: 1, exports: ['add', 'default'] });
    const module = await load(bundled.package);
    expect(module['default']?.()).toBe('hello world!1');
    expect(module['add']?.(1, 2)).toBe(3);
  });

  it('gives the same package wherever the file lies', async () => {
    const text = `import { getContext } from 'tsumugi/sdk'; export default () => getContext().requestId;`;
    const a = await bundleFunction({ file: write({ 'a/f.ts': text }) });
    const b = await bundleFunction({ file: write({ 'deep/er/b/f.ts': text }) });
    expect(b.id).toBe(a.id);
    expect(Buffer.from(a.package).includes(folder)).toBe(false);
  });

  it('brings tsumugi/client along where it is used, without what is read when it is needed', async () => {
    const plain = await bundleFunction({
      file: write({ 'f.ts': `import type { Platform } from 'tsumugi/client'; export default (it: Platform) => it.where;` }),
    });
    expect(Object.keys(readTar(plain.package))).toEqual(['handler.mjs', 'handler.mjs.map', 'tsumugi.json']);
    const bundled = await bundleFunction({
      file: write({
        'f.ts': `import { call, connect } from 'tsumugi/client';
        export const where = async (api: string) => (await connect({ api, token: 'x' })).where;
        export default () => call('not a name');`,
      }),
    });
    const module = await load(bundled.package);
    expect(await module['where']?.('https://example.com/')).toBe('https://example.com');
    await expect(module['default']?.()).rejects.toThrow('"not a name" names no exported function');
    const files = readTar(bundled.package);
    // A cold start reads this much; the YAML parser of kubeconfigs is in another file.
    expect(files['tsumugi-client.mjs']?.length).toBeLessThan(20_000);
    expect(Object.values(files).some((bytes) => Buffer.from(bytes).includes(folder))).toBe(false);
  });

  it('bundles dependencies of the user, CommonJS ones too', async () => {
    const file = write({
      'f.ts': `import dep from 'dep'; export default () => dep.sep();`,
      'node_modules/dep/package.json': '{"name":"dep","main":"main.js"}',
      'node_modules/dep/main.js': `const path = require('path'); exports.sep = () => path.sep + typeof __dirname;`,
    });
    const module = await load((await bundleFunction({ file })).package);
    expect(module['default']?.()).toBe('/string');
  });

  it('has a source map with the source', async () => {
    const bundled = await bundleFunction({ file: write({ 'f.ts': 'export default (): number => 1;\n' }) });
    const files = readTar(bundled.package);
    const map = JSON.parse(Buffer.from(files['handler.mjs.map'] ?? []).toString()) as { sources: string[]; sourcesContent: string[] };
    expect(map.sources).toEqual(['f.ts']);
    expect(map.sourcesContent).toEqual(['export default (): number => 1;\n']);
    expect(Buffer.from(files['handler.mjs'] ?? []).toString()).toMatch(/sourceMappingURL=handler\.mjs\.map\s*$/);
  });

  it('says where the code is wrong and shows the line', async () => {
    const file = write({ 'broken.ts': 'const a = 1;\nexport default () => { return a +; };\n' });
    await expect(bundleFunction({ file })).rejects.toMatchObject({
      code: 'Invalid',
      message: expect.stringMatching(/^broken\.ts:2:34: .*\n.*return a \+;/),
    });
  });

  it('says which import is missing', async () => {
    const file = write({ 'f.ts': `import x from 'not-installed';\nexport default x;` });
    await expect(bundleFunction({ file })).rejects.toThrow(/^f\.ts:1:15: .*not-installed/);
  });

  it('refuses a module that exports nothing, and a file that is not there', async () => {
    await expect(bundleFunction({ file: write({ 'f.ts': 'const a = 1;' }) })).rejects.toMatchObject({
      code: 'Invalid',
      hint: expect.stringContaining('export default'),
    });
    await expect(bundleFunction({ file: join(folder, 'no.ts') })).rejects.toMatchObject({ code: 'NotFound' });
  });
});

describe('bundling source text from a manifest', () => {
  const inline = (source: string) => bundleFunction({ source, name: 'inline', noFiles: true });

  it('may use TypeScript, Node and tsumugi/sdk', async () => {
    const bundled = await inline(`import { sep } from 'node:path'; import type { Handler } from 'tsumugi/sdk';
      const handler: Handler = () => sep; export default handler;`);
    expect((await load(bundled.package))['default']?.()).toBe('/');
  });

  it.each([
    ['./secret.ts', 'files'],
    ['/etc/passwd', 'files'],
    ['file:///etc/passwd', 'files'],
    ['esbuild', 'packages'],
  ])('cannot import %s', async (path, what) => {
    await expect(inline(`import x from '${path}'; export default x;`)).rejects.toMatchObject({
      code: 'Invalid',
      message: expect.stringMatching(new RegExp(`^inline\\.ts:1:15: .*there are no ${what}`)),
    });
  });
});
