import { StringDecoder } from 'node:string_decoder';

/** The lines of a stream of bytes, without their ends; a last line that has no end is given too. Empty lines are left out. */
export async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  // The beginning of a line whose end has not come; long lines come in many pieces, joined once.
  let open: string[] = [];
  for await (const chunk of chunks) {
    const text = decoder.write(chunk);
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      const piece = text.slice(from, end);
      const line = open.length > 0 ? open.join('') + piece : piece;
      open = [];
      from = end + 1;
      if (line !== '') yield line;
    }
    if (from < text.length) open.push(text.slice(from));
  }
  const rest = open.join('') + decoder.end();
  if (rest !== '') yield rest;
}
