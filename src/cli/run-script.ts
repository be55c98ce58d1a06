/** Runs a script in this process, connected to a platform. Its imports of `tsumugi/client` are of the modules that are connected. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { setSourceMapsSupport } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { TsumugiError } from '../base/errors.ts';
import { clientFile } from '../build/client.ts';
import { stopEsbuild } from '../build/esbuild.ts';
import { ownFile } from '../build/own.ts';
import { bundleScript } from '../build/script.ts';
import type { ConnectOptions } from '../client/find.ts';
import { scriptGlobals } from '../client/globals.ts';
import { belongTo } from '../client/platform.ts';
import { asTyped } from './program.ts';

/** Answers the exit code: the script's own, or 1 where it threw. Throws where the script or the platform is not to be found. */
export async function runScript(file: string, args: readonly string[], options: ConnectOptions): Promise<number> {
  await belongTo(options);
  const { code, map } = await bundleScript(file);
  await stopEsbuild();
  const folder = mkdtempSync(join(tmpdir(), 'tsumugi-run-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const script = join(folder, 'script.mjs');
  writeFileSync(script, code);
  writeFileSync(`${script}.map`, map);
  writeFileSync(join(folder, clientFile), `export * from ${JSON.stringify(pathToFileURL(ownFile('tsumugi/client')).href)};\n`);

  setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });
  process.argv.splice(1, Infinity, resolve(file), ...args);
  Object.assign(globalThis, scriptGlobals);
  try {
    await import(pathToFileURL(script).href);
  } catch (thrown) {
    process.stderr.write(describeThrown(thrown));
    return 1;
  }
  return Number(process.exitCode ?? 0);
}

/** As Node prints what nobody caught, and what to do about it. */
function describeThrown(thrown: unknown): string {
  if (thrown instanceof TsumugiError) {
    const frames = (thrown.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
    return [
      `${thrown.name}: ${thrown.message}`,
      ...frames,
      ...(thrown.hint === undefined ? [] : [` hint: ${asTyped(thrown.hint)}`]),
      '',
    ].join('\n');
  }
  return thrown instanceof Error ? `${inspect(thrown)}\n` : `the script threw ${inspect(thrown)}\n`;
}
