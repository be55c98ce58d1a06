/** The order of a merged list: the patch's items in the patch's order, the server's own where they stood. */

type Identity = (item: unknown) => unknown;

const identityBy = (key: string): Identity =>
  key === '' ? (item) => item : (item) => (typeof item === 'object' && item !== null ? (item as Record<string, unknown>)[key] : item);

const positions = (items: readonly unknown[], identity: Identity): Map<unknown, number> =>
  new Map(items.map((item, index) => [identity(item), index]));

export interface Partition {
  readonly patched: readonly unknown[];
  readonly serverOnly: readonly unknown[];
}

/** Which of the merged items `order` names. `key`: the merge key, '' for scalars. */
export function partition(merged: readonly unknown[], order: readonly unknown[], key: string): Partition {
  const identity = identityBy(key);
  const named = positions(order, identity);
  return { patched: merged.filter((item) => named.has(identity(item))), serverOnly: merged.filter((item) => !named.has(identity(item))) };
}

/** By insertion: the order of items that `isLess` calls less than each other, as the API server's sort leaves it. */
function sortedAsGo(items: readonly unknown[], isLess: (a: unknown, b: unknown) => boolean): readonly unknown[] {
  const sorted = [...items];
  for (let end = 1; end < sorted.length; end++)
    for (let at = end; at > 0 && isLess(sorted[at], sorted[at - 1]); at--) [sorted[at - 1], sorted[at]] = [sorted[at], sorted[at - 1]];
  return sorted;
}

/**
 * Joins the two, as the API server does: `patched` sorted by `order`, `serverOnly` by where they stood in `before`; a server's
 * item goes first where both stood in `before` and it was in front.
 */
export function inOrder(
  { patched, serverOnly }: Partition,
  order: readonly unknown[],
  before: readonly unknown[],
  key: string,
): readonly unknown[] {
  const identity = identityBy(key);
  const stood = positions(before, identity);
  const wanted = positions(order, identity);
  const sorted = (items: readonly unknown[], by: Map<unknown, number>): readonly unknown[] =>
    sortedAsGo(items, (a, b) => {
      const [x, y] = [by.get(identity(a)), by.get(identity(b))];
      return x === undefined || y === undefined || x < y;
    });
  const left = sorted(serverOnly, stood);
  const right = sorted(patched, wanted);
  const joined: unknown[] = [];
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    const [l, r] = [stood.get(identity(left[i])), stood.get(identity(right[j]))];
    const takeLeft = j >= right.length || (i < left.length && l !== undefined && r !== undefined && l < r);
    joined.push(takeLeft ? left[i++] : right[j++]);
  }
  return joined;
}
