/** Strict validation: which fields are unknown or stand twice, in the words and the order of the API server. */
import type { KindDefinition } from '../../resources/kind.ts';
import { scanFields } from './json-scan.ts';

/** Fields that a body has twice; the last one counts. */
export interface Duplicates {
  /** Their paths, in the order of the text. */
  readonly paths: readonly string[];
  /** Of YAML, by line: `line 6: key "a" already set in map`. */
  readonly lines?: readonly string[];
  /** The body where it is JSON. */
  readonly json?: string;
}

export const noDuplicates: Duplicates = { paths: [] };

interface Problems {
  /** What a strict refusal lists. */
  readonly errors: readonly string[];
  /** What a lenient answer warns of. */
  readonly warnings: readonly string[];
}

const unknownField = (path: string): string => `unknown field "${path}"`;
const duplicateField = (path: string): string => `duplicate field "${path}"`;
const isMetadata = (path: string): boolean => path.startsWith('metadata.');

/** `unknown`: paths of fields that the kind does not have, in the object's order. `patch`: it comes of one. */
export function strictProblems(
  kind: KindDefinition,
  unknown: readonly string[],
  { paths, lines, json }: Duplicates,
  patch?: 'json' | 'merge' | 'strategic',
): Problems {
  if (kind.origin === 'builtin' && json !== undefined) {
    const problems = inTextOrder(json, unknown);
    return { errors: problems, warnings: problems };
  }
  // Go sorts what is no text any more; of custom kinds it looks at the metadata by itself.
  const sorted = unknown.toSorted((a, b) => Number(isMetadata(b)) - Number(isMetadata(a)) || (a < b ? -1 : 1));
  const found = (kind.origin === 'builtin' ? unknown.toSorted() : sorted).map(unknownField);
  if (lines && lines.length > 0)
    return {
      errors: [`yaml: unmarshal errors:\n${lines.map((line) => `  ${line}`).join('\n')}`, ...found],
      warnings: [...lines, ...found],
    };
  const problems = [...paths.map((path) => (patch === 'json' ? 'json patch ' : '') + duplicateField(path)), ...found];
  return { errors: problems, warnings: problems };
}

/** More are not told. */
const most = 100;

/** What stands in an unknown field is not looked at, nor whether that field stands twice. */
function inTextOrder(json: string, unknown: readonly string[]): string[] {
  const unknowns = new Set(unknown);
  const problems = new Set<string>();
  let within = '';
  scanFields(json, (path, repeated) => {
    if (within !== '' && (path.startsWith(`${within}.`) || path.startsWith(`${within}[`))) return;
    within = '';
    if (unknowns.has(path)) {
      within = path;
      problems.add(unknownField(path));
    } else if (repeated) problems.add(duplicateField(path));
  });
  return [...problems].slice(0, most);
}
