/**
 * `--script=FILE [ARG…]`: the image as a program that runs one script, to its end, instead of functions. A module with top-level
 * `await`, in TypeScript (whose types are stripped) or JavaScript, whatever its file is called: a key of a ConfigMap has no ending.
 * It imports `tsumugi/client`, whose names it also has without an import, and what lies beside it. Its exit code is the container's.
 *
 * One module with the client, beside the shim's own bundle: pods of functions never read it.
 */
import { readFileSync } from 'node:fs';
import { registerHooks, setSourceMapsSupport, stripTypeScriptTypes } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { scriptGlobals } from '../../client/globals.ts';
import { parseScriptArguments } from './arguments.ts';

export * from '../../client/index.ts';

const own = /^(?:tsumugi\/client|\.\/tsumugi-client\.mjs)$/;

async function run(): Promise<void> {
  const { file, args } = parseScriptArguments(process.argv.slice(2));
  const path = resolve(file);
  const url = pathToFileURL(path).href;
  const text = readFileSync(path, 'utf8');
  const source = /\.[cm]?js$/.test(path) ? text : stripTypeScriptTypes(text);
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === url || own.test(specifier)
        ? { url: own.test(specifier) ? import.meta.url : url, shortCircuit: true }
        : next(specifier, context),
    load: (asked, context, next) => (asked === url ? { format: 'module', source, shortCircuit: true } : next(asked, context)),
  });
  process.argv.splice(1, Infinity, path, ...args);
  Object.assign(globalThis, scriptGlobals);
  await import(url);
}

setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });
process.removeAllListeners('warning').on('warning', () => {
  // That stripping types is young is nothing to the script's log.
});
// As pid 1 of its container it would not hear of it otherwise.
for (const [signal, number] of [
  ['SIGTERM', 15],
  ['SIGINT', 2],
] as const)
  process.once(signal, () => process.exit(128 + number));
// The script imports this module, which must be done by then.
setImmediate(() => {
  run().catch((thrown: unknown) => {
    process.stderr.write(thrown instanceof Error ? `${inspect(thrown)}\n` : `the script threw ${inspect(thrown)}\n`);
    process.exitCode = 1;
  });
});
