import { execFile } from 'node:child_process';
import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { type Context, getContext } from './index.ts';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'tsumugi-sdk-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the compiler says of an author's file, strictly; '' when it is content. */
async function check(files: Record<string, string>): Promise<string> {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: 'es2024',
    lib: ['es2024'],
    module: 'nodenext',
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    paths: { 'tsumugi/sdk': [join(root, 'src/sdk/index.ts')] },
  };
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: Object.keys(files) }));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  return promisify(execFile)(process.execPath, [tsc, '-p', folder]).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  );
}

describe('handlers type-check', () => {
  test('in each form that the documentation shows', async () => {
    const head = "import { getContext, type Context, type Handler } from 'tsumugi/sdk';\n";
    const forms = {
      'text.ts': `${head}const hello: Handler = (request) => \`hello \${new URL(request.url).searchParams.get('name') ?? 'world'}\`; export default hello;`,
      'plain.ts': 'export default () => "hello";',
      'response.ts': `${head}export default (async (request, { signal }) => { const body: unknown = await request.json(); return Response.json(body, { status: signal.aborted ? 499 : 201 }) }) satisfies Handler;`,
      'bytes.ts': `${head}export default (() => new Uint8Array([1])) satisfies Handler;`,
      'stream.ts': `${head}export default ((request) => request.body) satisfies Handler;`,
      'lines.ts': `${head}export default (async function* (_request: Request, context: Context) { for (let n = 0; !context.signal.aborted && n < 3; n++) yield { n } }) satisfies Handler;`,
      'nothing.ts': `${head}export default ((request, context) => { context.log.info(request.method, context.trace.traceparent) }) satisfies Handler;`,
      'json.ts': `${head}interface Order { id: number } export default ((): Order[] => [{ id: 1 }]) satisfies Handler;`,
      'calls.ts': `${head}export const add = (a: number, b: number) => a + b; export const who = () => getContext().requestId;`,
    };
    expect(await check(forms)).toBe('');
  });

  test('and wrong ones do not', async () => {
    const head = "import type { Handler } from 'tsumugi/sdk';\n";
    const said = await check({
      'answer.ts': `${head}export default (() => Symbol('x')) satisfies Handler;`,
      'arguments.ts': `${head}export default ((request, context, third: string) => third) satisfies Handler;`,
      'field.ts': `${head}export default ((request, context) => context.requestID) satisfies Handler;`,
      'readonly.ts': `${head}export default ((request, context) => { context.requestId = 'x' }) satisfies Handler;`,
    });
    for (const file of ['answer', 'arguments', 'field', 'readonly']) expect(said).toContain(`${file}.ts(2,`);
  });
});

describe('getContext', () => {
  test('is the running invocation’s, and an error outside of one', async () => {
    expect(() => getContext()).toThrow('outside of an invocation');
    const storage = new AsyncLocalStorage<Context>();
    const key = Symbol.for('tsumugi.context');
    (globalThis as { [key: symbol]: unknown })[key] = storage;
    try {
      expect(() => getContext()).toThrow('outside of an invocation');
      const seen = await storage.run({ requestId: 'a' } as Context, async () => {
        await Promise.resolve();
        return getContext().requestId;
      });
      expect(seen).toBe('a');
    } finally {
      delete (globalThis as { [key: symbol]: unknown })[key];
    }
  });
});
