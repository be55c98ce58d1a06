/** A line as the shim writes it: `[invocation] text`. */

/** Splits what the shim joined. */
export function splitInvocation(text: string): { invocation?: string; text: string } {
  const match = /^\[([A-Za-z0-9._:-]{1,128})\] ?([^]*)$/.exec(text);
  return match ? { invocation: match[1] as string, text: match[2] as string } : { text };
}
