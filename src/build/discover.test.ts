import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';

import { discover } from './discover.ts';
import { stopEsbuild } from './esbuild.ts';
import { functionName } from './names.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-discover-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
afterAll(() => stopEsbuild());

function write(...names: string[]): void {
  for (const name of names) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), 'export default () => 1;');
  }
}

describe('what lies in a folder', () => {
  it('is a function per source file and per subfolder with an index, and manifests', async () => {
    write('helloWorld.ts', 'b.mjs', 'sub/index.ts', 'sub/helper.ts', 'routes.yaml', 'more.yml', 'plain/note.ts');
    expect(await discover(folder)).toEqual({
      functions: [
        { name: 'b', file: join(folder, 'b.mjs') },
        { name: 'hello-world', file: join(folder, 'helloWorld.ts') },
        { name: 'sub', file: join(folder, 'sub/index.ts') },
      ],
      manifests: [join(folder, 'more.yml'), join(folder, 'routes.yaml')],
    });
  });

  it('leaves out helpers, tests, types, dependencies and files that export nothing', async () => {
    write('_lib.ts', '.hidden.ts', 'a.test.ts', 'types.d.ts', 'node_modules/index.js', '_parts/index.ts', 'README.md');
    writeFileSync(join(folder, 'script.ts'), 'console.log(1)');
    expect(await discover(folder)).toEqual({ functions: [], manifests: [] });
  });

  it('counts a file that cannot be parsed: deploying it will say why', async () => {
    writeFileSync(join(folder, 'broken.ts'), 'export default () => {');
    expect((await discover(folder)).functions.map((each) => each.name)).toEqual(['broken']);
  });

  it('refuses two functions of one name', async () => {
    write('a.ts', 'a/index.ts');
    await expect(discover(folder)).rejects.toThrow(/would both be the function "a"/);
  });
});

describe('a function named by its file', () => {
  it.each([
    ['hello.ts', 'hello'],
    ['helloWorld.ts', 'hello-world'],
    ['HTTPServer.mjs', 'http-server'],
    ['hello_world.js', 'hello-world'],
    ['v2.ts', 'v2'],
  ])('%s -> %s', (file, name) => {
    expect(functionName(file)).toBe(name);
  });

  it.each(['1st.ts', 'größe.ts', `${'x'.repeat(41)}.ts`])('%s is refused', (file) => {
    expect(() => functionName(file)).toThrow(/is not possible/);
  });
});
