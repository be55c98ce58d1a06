/**
 * One pass over a JSON text for what JSON.parse does not tell: fields that stand twice, and what is wrong with a broken text in the
 * words of Go's decoder. Not recursive: the text is a stranger's.
 */

/** How deep objects and lists may nest; far above any real object, far below what overflows a stack further on. */
const maxDepth = 1000;

interface Level {
  /** Fields seen, in an object. */
  readonly keys?: Set<string>;
  readonly path: string;
  /** Path of the value to come: the field's, or the item's. */
  at: string;
  index: number;
}

const space = /[ \t\n\r]*/y;
const escapes = '"\\/bfnrtu';
const hex = /[0-9a-fA-F]/;
const literal = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

const quoted = (character: string): string =>
  character === "'" ? `'\\''` : character === '"' ? `'"'` : `'${JSON.stringify(character).slice(1, -1)}'`;

/**
 * Paths of fields that stand twice (`metadata.name`, `spec.env[0].name`), each once, in the order of the text.
 * Throws SyntaxError with Go's sentence when the text is no JSON.
 */
export function duplicateFields(json: string): string[] {
  const duplicates = new Set<string>();
  scanFields(json, (path, repeated) => {
    if (repeated) duplicates.add(path);
  });
  return [...duplicates];
}

/** Tells of each field in the order of the text, and whether it stood there before. Throws as `duplicateFields`. */
export function scanFields(json: string, tell: (path: string, repeated: boolean) => void): void {
  const levels: Level[] = [];
  let at = 0;

  const broken = (where: string): SyntaxError =>
    new SyntaxError(
      at >= json.length
        ? 'unexpected end of JSON input'
        : `invalid character ${quoted(String.fromCodePoint(json.codePointAt(at) as number))} ${where}`,
    );
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(json)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const skip = (): void => void take(space);

  /** Reads a key and its colon; the value comes next. */
  const key = (level: Level): void => {
    skip();
    if (json[at] !== '"') throw broken('looking for beginning of object key string');
    const name = JSON.parse(string()) as string;
    level.at = level.path === '' ? name : `${level.path}.${name}`;
    tell(level.at, level.keys?.has(name) ?? false);
    level.keys?.add(name);
    skip();
    if (json[at] !== ':') throw broken('after object key');
    at += 1;
  };
  /** Reads a string; a loop, since a regular expression's stack would not hold a long one. */
  const string = (): string => {
    const start = at;
    for (at += 1; json[at] !== '"'; at += 1) {
      if (at >= json.length || json.charCodeAt(at) < 0x20) throw broken('in string literal');
      if (json[at] !== '\\') continue;
      at += 1;
      if (!escapes.includes(json[at] ?? '')) throw broken('in string escape code');
      if (json[at] === 'u')
        for (let digit = 0; digit < 4; digit += 1)
          if (!hex.test(json[(at += 1)] ?? '')) throw broken('in \\u hexadecimal character escape');
    }
    at += 1;
    return json.slice(start, at);
  };

  for (;;) {
    skip();
    const start = json[at];
    const path = levels.at(-1)?.at ?? '';
    if (start === '{' || start === '[') {
      if (levels.length >= maxDepth) throw new SyntaxError('exceeded max depth');
      at += 1;
      skip();
      const level: Level = { path, at: start === '[' ? `${path}[0]` : path, index: 0, ...(start === '{' && { keys: new Set<string>() }) };
      levels.push(level);
      if (json[at] !== (start === '{' ? '}' : ']')) {
        if (start === '{') key(level);
        continue;
      }
    } else if (start === '"') string();
    else if (take(literal) === undefined) throw broken('looking for beginning of value');

    // A value is over: so may be what holds it.
    for (;;) {
      skip();
      const level = levels.at(-1);
      if (!level) {
        if (at < json.length) throw broken('after top-level value');
        return;
      }
      const next = json[at];
      if (next === (level.keys ? '}' : ']')) {
        at += 1;
        levels.pop();
      } else if (next === ',') {
        at += 1;
        if (level.keys) key(level);
        else {
          level.index += 1;
          level.at = `${level.path}[${level.index}]`;
        }
        break;
      } else throw broken(level.keys ? 'after object key:value pair' : 'after array element');
    }
  }
}
