/** What stands in the log where something sensitive would. */
export const mask = '***';

/** Shorter texts are no secret: to hide each `1` of a log would hide nothing but the log. */
const minLength = 4;

/** From now on none of these values' texts leaves by the log, whoever writes it: as it is, or as JSON has it. */
export function maskOutput(values: readonly unknown[]): void {
  const secrets = [...new Set(values.flatMap(textsOf).flatMap((text) => [text, JSON.stringify(text).slice(1, -1)]))]
    .filter((text) => text.length >= minLength)
    .sort((a, b) => b.length - a.length);
  if (secrets.length === 0) return;
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean;
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
      let text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1');
      const isText = typeof chunk === 'string';
      for (const secret of secrets) text = text.replaceAll(isText ? secret : Buffer.from(secret).toString('latin1'), mask);
      return write(isText ? text : Buffer.from(text, 'latin1'), ...rest);
    };
  }
}

/** All texts and numbers within a value. */
function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return [String(value)];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}
