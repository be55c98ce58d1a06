import { STATUS_CODES } from 'node:http';

/** What a client sent is no HTTP/1.1 request that can be read in one way only. Its connection ends with the answer. */
export class Malformed extends Error {
  readonly status: 400 | 408 | 413 | 417 | 431 | 505;

  constructor(status: Malformed['status'], says: string) {
    super(says);
    this.status = status;
  }

  /** The whole answer. */
  answer(): string {
    const code = this.status === 431 || this.status === 413 ? 'TooLarge' : this.status === 408 ? 'Timeout' : 'Invalid';
    const body = `${JSON.stringify({ error: { code, message: `the request is no valid HTTP/1.1: ${this.message}` } })}\n`;
    return `HTTP/1.1 ${this.status} ${STATUS_CODES[this.status]}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  }
}
