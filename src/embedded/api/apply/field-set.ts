/**
 * Sets of field paths, and the algebra of them. A set *is* its `fieldsV1` JSON: what is stored needs no decoding.
 *
 * A key is one step of a path (see `path-element.ts`); `{}` below it means that the path itself is a member, `.` that it is one beside
 * longer ones. `{ 'f:data': { '.': {}, 'f:a': {} } }` has the paths `data` and `data.a`. Nothing here mutates.
 */
export interface FieldSet {
  readonly [element: string]: FieldSet;
}

/** Itself a member, nothing below. */
export const leaf: FieldSet = Object.freeze({});
/** No paths. As a set of its own only: below an element, `{}` says that the element is a member. */
export const empty: FieldSet = Object.freeze({});

const self = '.';

export function isEmpty(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

const isMember = (node: FieldSet | undefined): boolean => node !== undefined && (isEmpty(node) || node[self] !== undefined);

/** A node with these children; undefined when there is nothing to say. */
export function nodeOf(member: boolean, children: FieldSet): FieldSet | undefined {
  if (isEmpty(children)) return member ? leaf : undefined;
  return member ? { [self]: leaf, ...children } : children;
}

type Combine = (a: FieldSet | undefined, b: FieldSet | undefined) => FieldSet | undefined;

function combined(a: FieldSet, b: FieldSet, combine: Combine): FieldSet {
  const children: Record<string, FieldSet> = {};
  for (const key in a) {
    if (key === self) continue;
    const child = combine(a[key], b[key]);
    if (child) children[key] = child;
  }
  for (const key in b) {
    if (key === self || a[key] !== undefined) continue;
    const child = combine(undefined, b[key]);
    if (child) children[key] = child;
  }
  return children;
}

const united: Combine = (a, b) => {
  if (!a || !b || a === b) return a ?? b;
  return nodeOf(isMember(a) || isMember(b), combined(a, b, united));
};

const shared: Combine = (a, b) => {
  if (!a || !b) return undefined;
  return a === b ? a : nodeOf(isMember(a) && isMember(b), combined(a, b, shared));
};

const left: Combine = (a, b) => {
  if (!a || !b) return a;
  return nodeOf(isMember(a) && !isMember(b), combined(a, b, left));
};

const outside: Combine = (a, b) => {
  if (!a || !b) return a;
  return isMember(b) ? undefined : nodeOf(isMember(a), combined(a, b, outside));
};

/** Paths of either. */
export const union = (a: FieldSet, b: FieldSet): FieldSet => (isEmpty(a) ? b : isEmpty(b) ? a : combined(a, b, united));
/** Paths of both. */
export const intersection = (a: FieldSet, b: FieldSet): FieldSet => (isEmpty(a) || isEmpty(b) ? empty : combined(a, b, shared));
/** Paths of the first that the second does not have; longer ones stay. */
export const difference = (a: FieldSet, b: FieldSet): FieldSet => (isEmpty(a) || isEmpty(b) ? a : combined(a, b, left));
/** As `difference`, but what stands below a path of the second goes, too. */
export const without = (a: FieldSet, b: FieldSet): FieldSet => (isEmpty(a) || isEmpty(b) ? a : combined(a, b, outside));

/** The set of these paths. */
export function setOf(...paths: readonly (readonly string[])[]): FieldSet {
  return paths.reduce<FieldSet>(
    (all, path) =>
      union(
        all,
        path.reduceRight<FieldSet>((below, element) => ({ [element]: below }), leaf),
      ),
    empty,
  );
}

export const has = (set: FieldSet, path: readonly string[]): boolean => {
  let at: FieldSet | undefined = set;
  for (const element of path) at = at?.[element];
  return path.length > 0 && isMember(at);
};

/** All paths; of each node its members before what is below them, both in the order of `compare`. */
export function pathsOf(set: FieldSet, compare: (a: string, b: string) => number, before: readonly string[] = []): string[][] {
  const elements = Object.keys(set)
    .filter((key) => key !== self)
    .sort(compare);
  return [
    ...elements.filter((key) => isMember(set[key])).map((key) => [...before, key]),
    ...elements.flatMap((key) => pathsOf(set[key] as FieldSet, compare, [...before, key])),
  ];
}

/** The same paths in the same nodes. */
export function sameSet(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  let count = 0;
  for (const key in a) {
    const other = b[key];
    if (other === undefined || !sameSet(a[key] as FieldSet, other)) return false;
    count++;
  }
  for (const _ in b) count--;
  return count === 0;
}

/** Is it what `fieldsV1` may be? */
export function isFieldSet(value: unknown): value is FieldSet {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(([key, below]) => (key === self || /^[fkvi]:/.test(key)) && isFieldSet(below));
}
