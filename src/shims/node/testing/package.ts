import { build } from 'esbuild';

/** Bundles an author's source as a deploy does: handler.mjs and its map. */
export async function bundleHandler(source: string): Promise<Record<string, string>> {
  const { outputFiles } = await build({
    stdin: { contents: source, loader: 'ts', sourcefile: 'hello.ts', resolveDir: import.meta.dirname },
    alias: { 'tsumugi/sdk': new URL('../../../sdk/index.ts', import.meta.url).pathname },
    outfile: 'handler.mjs',
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    sourcemap: true,
    minifyWhitespace: true,
    logLevel: 'silent',
  });
  return Object.fromEntries(outputFiles.map((file) => [file.path.split('/').pop()!, file.text]));
}

/** A ustar of these files. */
export function makeTar(files: Record<string, string | Uint8Array>, type = '0'): Buffer {
  const parts: Buffer[] = [];
  for (const [name, content] of Object.entries(files)) {
    const bytes = Buffer.from(content as Uint8Array);
    const header = Buffer.alloc(512);
    header.write(name, 0, 'utf8');
    header.write('0000644\0', 100);
    header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write(type, 156);
    header.write('ustar\x0000', 257);
    parts.push(header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512));
  }
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}
