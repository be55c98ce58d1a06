/** Objects as all readers share them: frozen, and each short string once, however many objects repeat it. */

/** Longer strings are mostly texts of their own. */
const longest = 128;
/** Strings remembered in each of two generations: what is not met again during one is forgotten with the next. */
const most = 4096;

const none: readonly unknown[] = Object.freeze([]);
let young = new Map<string, string>();
let old = new Map<string, string>();

/** The copy of these characters that others have, if it was met lately. */
function shared(text: string): string {
  const known = young.get(text);
  if (known !== undefined) return known;
  const kept = old.get(text) ?? text;
  young.set(kept, kept);
  if (young.size >= most) {
    old = young;
    young = new Map();
  }
  return kept;
}

/**
 * Freezes a parsed value through and through, and gives its short strings (`tsumugi.dev/v1`, a reason, an owner's uid) and empty
 * lists the memory that others already use for the same: of thousands of like objects this is the larger part. Fields that JSON would
 * leave out go. What is frozen stays as it is.
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  const fields = value as Record<string, unknown>;
  for (const key in fields) {
    const field = fields[key];
    if (typeof field === 'string') {
      if (field.length <= longest) fields[key] = shared(field);
    } else if (Array.isArray(field) && field.length === 0) fields[key] = none;
    else if (field === undefined) delete fields[key];
    else deepFreeze(field);
  }
  return Object.freeze(value);
}
