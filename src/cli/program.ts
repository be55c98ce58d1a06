/** What the user typed to get here: `tsumugi`, or `kubectl tsumugi`, for which kubectl runs the program `kubectl-tsumugi`. */
import { basename } from 'node:path';

export const isPlugin = basename(process.argv[1] ?? '').startsWith('kubectl-tsumugi');

export const programName = isPlugin ? 'kubectl tsumugi' : 'tsumugi';

/** A text with commands in it, as this user has to type them. */
export function asTyped(text: string, name: string = programName): string {
  return text.replaceAll(/(?<![\w./-]|kubectl )tsumugi (?=[a-zA-Z[])/g, `${name} `);
}
