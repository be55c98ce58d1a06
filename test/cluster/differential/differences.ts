/** Where two servers' answers differ, one line for each place: short enough to read a hundred of them. */
export function differences(theirs: readonly unknown[], mine: readonly unknown[]): string[] {
  const found: string[] = [];
  const longest = Math.max(theirs.length, mine.length);
  for (let step = 0; step < longest; step++) {
    const said = (theirs[step] ?? mine[step]) as Said;
    const [there, here] = [theirs[step], mine[step]] as Said[];
    if (there && here && there.status !== here.status) {
      found.push(`${step + 1}. ${said.what}: ${there.status} ${wordsOf(there)} there, ${here.status} ${wordsOf(here)} here`);
      continue;
    }
    compare(theirs[step], mine[step], '', (line) => found.push(`${step + 1}. ${said.what}: ${line}`));
  }
  return found;
}

interface Said {
  readonly what: string;
  readonly status: number;
  readonly body: { readonly message?: string };
}
const wordsOf = ({ body }: Said): string => JSON.stringify(body.message ?? '');

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const shown = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));

function compare(theirs: unknown, mine: unknown, path: string, tell: (line: string) => void): void {
  if (isMapping(theirs) && isMapping(mine)) {
    for (const key of new Set([...Object.keys(theirs), ...Object.keys(mine)])) compare(theirs[key], mine[key], `${path}.${key}`, tell);
  } else if (Array.isArray(theirs) && Array.isArray(mine) && theirs.length === mine.length) {
    theirs.forEach((item, index) => compare(item, mine[index], `${path}[${index}]`, tell));
  } else if (shown(theirs) !== shown(mine)) tell(`${path} is ${shown(theirs)} there, ${shown(mine)} here`);
}
