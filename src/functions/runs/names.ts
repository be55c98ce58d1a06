/** What a call by name alone means: `runner.fizzbuzz(15)`. */
import { TsumugiError } from '../../base/errors.ts';
import { didYouMean } from '../../base/suggest.ts';
import { kebabCase } from '../../build/names.ts';
import type { FunctionResource } from '../../resources/function.ts';

/** What of a function its calls are resolved by. */
interface CallableFunction {
  readonly metadata: Pick<FunctionResource['metadata'], 'name'>;
  readonly status?: Pick<NonNullable<FunctionResource['status']>, 'exports'> | undefined;
}

/** One export of one function. */
export interface CallTarget {
  readonly function: string;
  /** `default` for the module's default export. */
  readonly export: string;
}

/**
 * A named export of this name; where several functions have one, that of the function with this name; where none has, the function of
 * this name (`fizzBuzz` is `fizz-buzz`): its export of the same name, its only named export, or its default one. `FUNCTION.EXPORT` says
 * both.
 *
 * @throws TsumugiError NotFound, or Invalid where several could be meant.
 */
export function resolveCall(functions: readonly CallableFunction[], name: string): CallTarget {
  const named = new Map(functions.map((each) => [each.metadata.name, each]));
  const dot = name.indexOf('.');
  if (dot >= 0) return exportOf(named, name.slice(0, dot), name.slice(dot + 1));

  const candidates = functions.filter(({ status }) => status?.exports?.includes(name)).map(({ metadata }) => metadata.name);
  const own = named.has(name) ? name : kebabCase(name);
  const chosen = candidates.includes(own) ? own : candidates[0];
  if (chosen !== undefined && (chosen === own || candidates.length === 1)) return { function: chosen, export: name };
  if (candidates.length > 1) {
    throw new TsumugiError('Invalid', `"${name}" could be an export of several functions: ${candidates.sort().join(', ')}`, {
      hint: `say which: run("${candidates[0]}.${name}", …)`,
    });
  }
  if (!named.has(own)) {
    const known = functions.flatMap(({ metadata, status }) => [metadata.name, ...(status?.exports ?? [])]);
    throw new TsumugiError('NotFound', `there is no function "${name}", nor does any function export it`, {
      hint: didYouMean(name, known) ?? (known.length === 0 ? 'deploy one: tsumugi deploy FILE' : 'see: tsumugi function list'),
    });
  }
  const exports = named.get(own)?.status?.exports ?? [];
  if (exports.length === 0) return { function: own, export: 'default' };
  if (exports.length === 1) return { function: own, export: exports[0] as string };
  throw new TsumugiError('Invalid', `the function "${own}" has several exports: ${exports.join(', ')}`, {
    hint: `say which: run("${own}.${exports[0]}", …)`,
  });
}

function exportOf(named: ReadonlyMap<string, CallableFunction>, own: string, name: string): CallTarget {
  const found = named.get(own);
  if (!found) {
    throw new TsumugiError('NotFound', `function "${own}" does not exist`, {
      hint: didYouMean(own, [...named.keys()]) ?? 'see: tsumugi function list',
    });
  }
  const exports = found.status?.exports ?? [];
  if (name !== 'default' && !exports.includes(name)) {
    throw new TsumugiError('NotFound', `the function "${own}" has no export "${name}"`, {
      hint: didYouMean(name, exports) ?? `it exports: ${exports.join(', ') || 'nothing but its handler'}`,
    });
  }
  return { function: own, export: name };
}
