/** RFC 6902: a list of operations on a document. */

/** The patch cannot be applied; the message says where. */
export class PatchError extends Error {}

type Json = unknown;

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: Json;
}

const isRecord = (value: Json): value is Record<string, Json> => typeof value === 'object' && value !== null && !Array.isArray(value);

function pointer(path: unknown): string[] {
  if (path === '') return [];
  if (typeof path !== 'string' || !path.startsWith('/')) throw new PatchError(`invalid path ${JSON.stringify(path)}`);
  return path
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function indexOf(key: string, length: number, path: string): number {
  const index = /^(0|[1-9]\d*)$/.test(key) ? Number(key) : -1;
  if (index < 0 || index >= length) throw new PatchError(`index ${key} of ${path} is out of range`);
  return index;
}

function read(document: Json, path: string): Json {
  let at = document;
  for (const key of pointer(path)) {
    if (Array.isArray(at)) at = at[indexOf(key, at.length, path)];
    else if (isRecord(at) && Object.hasOwn(at, key)) at = at[key];
    else throw new PatchError(`${path} is not there`);
  }
  return at;
}

/** Lets `edit` change the parent of `path`, in place. */
function edited(document: Json, path: string, edit: (parent: Json[] | Record<string, Json>, key: string) => void): Json {
  const keys = pointer(path);
  const last = keys.pop();
  if (last === undefined) throw new PatchError('the whole document cannot be edited in place');
  let at = document;
  for (const key of keys) {
    if (Array.isArray(at)) at = at[indexOf(key, at.length, path)];
    else if (isRecord(at) && Object.hasOwn(at, key)) at = at[key];
    else throw new PatchError(`the parent of ${path} is not there`);
  }
  if (!Array.isArray(at) && !isRecord(at)) throw new PatchError(`the parent of ${path} is neither an object nor a list`);
  edit(at, last);
  return document;
}

/** `__proto__` is a key like any other. */
function define(object: Record<string, Json>, key: string, value: Json): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

function add(document: Json, path: string, value: Json): Json {
  if (path === '') return value;
  return edited(document, path, (parent, key) => {
    if (!Array.isArray(parent)) define(parent, key, value);
    else parent.splice(key === '-' ? parent.length : indexOf(key, parent.length + 1, path), 0, value);
  });
}

function remove(document: Json, path: string): Json {
  read(document, path);
  return edited(document, path, (parent, key) => {
    if (Array.isArray(parent)) parent.splice(Number(key), 1);
    else delete parent[key];
  });
}

/** As the API server's library does: what an object lacks is copied as null. */
function copied(document: Json, from: string): Json {
  const parent = read(document, from.slice(0, Math.max(0, from.lastIndexOf('/'))));
  const key = pointer(from).at(-1);
  return isRecord(parent) && key !== undefined && !Object.hasOwn(parent, key) ? null : read(document, from);
}

/** As the API server's library does: what is absent equals null. */
function valueOrNull(document: Json, path: string, wanted: Json): Json {
  try {
    return read(document, path);
  } catch (error) {
    if (wanted === null && error instanceof PatchError) return null;
    throw error;
  }
}

/** Key order does not matter. */
function equal(a: Json, b: Json): boolean {
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, index) => equal(item, b[index]));
  if (!isRecord(a) || !isRecord(b)) return a === b;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]));
}

/** What all copies of one patch may add, in characters of JSON: else each could double the document. As the API server has it. */
const maxCopied = 3 << 20;

/**
 * The document after all operations, or a PatchError and nothing: what was given stays as it is.
 *
 * @example applyJsonPatch({ a: 1 }, [{ op: 'replace', path: '/a', value: 2 }])
 */
export function applyJsonPatch(document: Json, operations: readonly object[]): Json {
  // Once: a copy for each operation would take ten thousand times as long.
  let at = structuredClone(document);
  let added = 0;
  for (const { op, path, from = '', value } of operations as readonly Operation[]) {
    if (op === 'add') at = add(at, path, structuredClone(value));
    // As the API server's library does: replacing what is absent in an object adds it.
    else if (op === 'replace') at = replace(at, path, structuredClone(value));
    else if (op === 'remove') at = remove(at, path);
    else if (op === 'move') {
      const moved = read(at, from);
      at = add(remove(at, from), path, moved);
    } else if (op === 'copy') {
      const text = JSON.stringify(copied(at, from));
      added += text.length;
      if (added > maxCopied) throw new PatchError(`its copies have more than ${maxCopied} characters`);
      at = add(at, path, JSON.parse(text));
    } else if (op === 'test') {
      if (!equal(valueOrNull(at, path, value), value)) throw new PatchError(`test of ${path} failed`);
    } else throw new PatchError(`unknown operation ${JSON.stringify(op)}`);
  }
  return at;
}

function replace(document: Json, path: string, value: Json): Json {
  if (path === '') return value;
  return edited(document, path, (parent, key) => {
    if (Array.isArray(parent)) parent[indexOf(key, parent.length, path)] = value;
    else define(parent, key, value);
  });
}
