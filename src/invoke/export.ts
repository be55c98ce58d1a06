/** Which named export of a function is meant. */
import { TsumugiError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import type { FunctionEntry } from './projection.ts';

/** The one named; '': camelCase of the function's name, else the only one. Throws NotFound with what there is. */
export function exportOf(entry: FunctionEntry, wanted: string): string {
  const { exports, name } = entry;
  if (wanted !== '') {
    if (exports.includes(wanted)) return wanted;
    throw new TsumugiError('NotFound', `function "${name}" has no export "${wanted}"`, {
      hint: didYouMean(wanted, exports) ?? `it exports: ${some(exports) || 'nothing but its handler'}`,
    });
  }
  const camel = name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  if (exports.includes(camel)) return camel;
  if (exports.length === 1) return exports[0]!;
  throw new TsumugiError('NotFound', `which export of "${name}"?`, {
    hint: exports.length === 0 ? 'it has no named exports' : `one of: ${some(exports)}`,
  });
}

/** The first of many names, for a hint. */
export function some(names: readonly string[]): string {
  const shown = names.toSorted().slice(0, 20).join(', ');
  return names.length > 20 ? `${shown}, … (${names.length})` : shown;
}
