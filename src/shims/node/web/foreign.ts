/**
 * Node's own Response and Headers (undici's). Loading them costs 26 ms and 16 MB, so nothing here names them: the first answer of
 * `fetch` shows us its classes, and before that no value of them can exist.
 */
type Kind = 'Headers' | 'Response';
type Class = abstract new (...args: never[]) => unknown;

const classes: { [kind in Kind]?: Class } = {};

/** Call with every response of Node's fetch. */
export function learnFrom(response: Response): Response {
  classes.Response ??= response.constructor as Class;
  classes.Headers ??= response.headers.constructor as Class;
  return response;
}

export function isForeign(kind: Kind, value: unknown): boolean {
  const known = classes[kind];
  return known !== undefined && value instanceof known;
}

/** `instanceof` of our classes: true for Node's own as well. Subclasses answer for themselves. */
export function instanceOf(receiver: unknown, ours: Class, kind: Kind, value: unknown): boolean {
  return Function.prototype[Symbol.hasInstance].call(receiver as () => void, value) || (receiver === ours && isForeign(kind, value));
}

const nodeFetch = globalThis.fetch;

/** Node's Response class, loaded now if it was not: for what is rare enough to be left to it. */
export async function nodeResponse(): Promise<typeof Response> {
  if (!classes.Response) learnFrom(await nodeFetch('data:,'));
  return classes.Response as unknown as typeof Response;
}

export { nodeFetch };
