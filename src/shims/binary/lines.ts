/** Bytes as lines for the log, each with the request that wrote it. */
import { StringDecoder } from 'node:string_decoder';

/** A line that does not end is cut here. */
const maxLine = 64 * 1024;

export class Lines {
  readonly #log: (line: string, requestId: string) => void;
  #decoder = new StringDecoder('utf8');
  #rest = '';
  #requestId = '';

  constructor(log: (line: string, requestId: string) => void) {
    this.#log = log;
  }

  /** What comes from now on is this request's. */
  begin(requestId: string): void {
    this.#requestId = requestId;
  }

  push(bytes: Buffer): void {
    const text = this.#rest + this.#decoder.write(bytes);
    const end = text.lastIndexOf('\n') + 1 || (text.length > maxLine ? text.length : 0);
    this.#rest = text.slice(end);
    if (end > 0) this.#log(text.slice(0, end), this.#requestId);
  }

  /** A last line without an end is a line, too. */
  end(): void {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = '';
    if (rest !== '') this.#log(rest, this.#requestId);
  }
}
