/** What `tsumugi types` writes: each name by which a runner may call the functions of a folder, with the type of the user's own code. */
import { relative, sep } from 'node:path';
import { resolveCall } from '../functions/runs/names.ts';

export interface TypedFunction {
  readonly name: string;
  /** Absolute. */
  readonly file: string;
  /** Names that it exports, `default` too. */
  readonly exports: readonly string[];
}

export interface FunctionTypes {
  readonly text: string;
  /** Names that are in it. */
  readonly names: readonly string[];
  /** Exports that cannot be called by their name alone, each with the reason. */
  readonly leftOut: readonly string[];
}

/** A module declaration for `folder`, where it will lie. Names mean what they mean to the platform. */
export function functionTypes(functions: readonly TypedFunction[], folder: string): FunctionTypes {
  const known = functions.map(({ name, exports }) => ({ metadata: { name }, status: { exports: exports.filter(isNamed) } }));
  const exported = new Set(functions.flatMap(({ exports }) => exports.filter(isNamed)));
  const candidates = new Set([...exported, ...functions.map(({ name }) => camelCase(name))]);
  const lines = new Map<string, string>();
  const leftOut: string[] = [];
  for (const name of [...candidates].toSorted()) {
    try {
      const target = resolveCall(known, name);
      const { file } = functions.find((each) => each.name === target.function) as TypedFunction;
      const path = `./${relative(folder, file).split(sep).join('/')}`;
      lines.set(name, `    ${name}: typeof import(${JSON.stringify(path)})[${JSON.stringify(target.export)}];`);
    } catch (error) {
      // A function of several exports is called by them.
      if (exported.has(name)) leftOut.push((error as Error).message);
    }
  }
  const text = [
    '// Written by `tsumugi types`: the functions of this folder for a Runner. Do not edit.',
    "import 'tsumugi/client';",
    '',
    "declare module 'tsumugi/client' {",
    '  interface RunnerFunctions {',
    ...lines.values(),
    '  }',
    '}',
    '',
  ].join('\n');
  return { text, names: [...lines.keys()], leftOut };
}

const isNamed = (name: string): boolean => name !== 'default';

/** `fizz-buzz` -> `fizzBuzz`: as a program writes a function's name. */
const camelCase = (name: string): string => name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
