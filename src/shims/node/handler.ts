import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { loadProgram, programFile } from '../binary/program.ts';
import { settled, toAnswer } from './answer.ts';
import { type LoadedFunction, LoadError } from './loaded.ts';
import { untar } from './untar.ts';
import { incomingRequest } from './web/request.ts';

/** Stack and causes of whatever was thrown, as Node itself would print it. */
export function describe(thrown: unknown): string {
  return thrown instanceof Error ? inspect(thrown, { colors: false }) : `thrown: ${inspect(thrown)}`;
}

/** The message of whatever was thrown, in one line: code may throw anything. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return `${thrown.name}: ${thrown.message}`;
  return typeof thrown === 'string' ? thrown : inspect(thrown, { colors: false, breakLength: Infinity });
}

const list = (names: readonly string[]): string => (names.length === 0 ? 'nothing' : names.map((name) => `"${name}"`).join(', '));

/** Node keeps the line of a syntax error to itself, but prints it when asked to check a file. Undefined when it finds none. */
async function whereSyntaxBreaks(file: string): Promise<string | undefined> {
  const { spawn } = await import('node:child_process');
  return new Promise((resolve) => {
    const check = spawn(process.execPath, ['--check', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    let text = '';
    check.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    check.on('error', () => resolve(undefined));
    check.on('close', () => resolve(/^[^]*SyntaxError: .*$/m.exec(text)?.[0]));
  });
}

const isMap = (name: string): boolean => name.endsWith('.mjs.map');

/** Node reads a source map only when a stack is asked for, so nobody has to wait until they are written. */
function writeMaps(packageTar: Buffer, folder: string): void {
  try {
    untar(packageTar, folder, isMap);
  } catch {
    // No room: stacks then show the lines of the bundle.
  }
}

type AnyFunction = (...values: unknown[]) => unknown;

/**
 * Extracts the package into `folder` and loads what it holds: a program, or the module `handler.mjs`. `handler` is the export that
 * answers requests, '' the default.
 *
 * @throws {LoadError} with what the user can mend.
 */
export async function loadFunction(packageTar: Buffer, folder: string, handler: string): Promise<LoadedFunction> {
  let module: Record<string, unknown>;
  try {
    if (untar(packageTar, folder, (name) => !isMap(name)).includes(programFile)) return await loadProgram(folder);
    // The import takes the thread. A gateway that has come in the meantime is heard first (its connection is accepted in one turn of the
    // event loop and read in the next), so that it can be greeted in the moment that the code is there.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    module = (await import(pathToFileURL(join(folder, 'handler.mjs')).href)) as Record<string, unknown>;
  } catch (thrown) {
    if (thrown instanceof LoadError) throw thrown;
    writeMaps(packageTar, folder);
    const error = new LoadError(thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : `the module threw ${inspect(thrown)}`);
    error.stack = (thrown instanceof SyntaxError && (await whereSyntaxBreaks(join(folder, 'handler.mjs')))) || describe(thrown);
    throw error;
  }
  setImmediate(writeMaps, packageTar, folder);
  const exported = Object.keys(module);
  const functions = exported.filter((name) => typeof module[name] === 'function');
  const name = handler === '' ? 'default' : handler;
  const chosen = module[name];
  if (name in module ? typeof chosen !== 'function' : name !== 'default' || functions.length === 0) {
    const what = name === 'default' ? 'the default export' : `the export "${name}"`;
    const problem =
      name in module ? `${what} is no function but ${chosen === null ? 'null' : `a value of type ${typeof chosen}`}` : `${what} is missing`;
    throw new LoadError(`${problem}; the module exports ${list(exported)}`);
  }
  const names = functions.filter((one) => one !== 'default').sort();
  return {
    exports: names,
    respond: (invocation, context) => {
      if (typeof chosen !== 'function')
        throw new HandlerMissing(`the function has no default export to answer requests; call one of ${list(names)} instead`);
      return settled((chosen as AnyFunction)(incomingRequest(invocation), context), toAnswer);
    },
    named: (wanted) => (functions.includes(wanted) ? (module[wanted] as AnyFunction) : undefined),
  };
}

/** A request came for a module that has only named exports. */
export class HandlerMissing extends Error {
  override name = 'HandlerMissing';
}
