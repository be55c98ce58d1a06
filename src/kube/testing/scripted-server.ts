import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Connection, Credentials } from '../connection.ts';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A real HTTP server whose answers a test decides: for what a well-behaved API server never does. */
export class ScriptedServer {
  readonly #server: Server;
  /** `METHOD path` of each request so far. */
  readonly requests: string[] = [];
  answer: Answer;

  constructor(answer: Answer) {
    this.answer = answer;
    this.#server = createServer((request, response) => {
      this.requests.push(`${request.method} ${request.url}`);
      this.answer(request, response);
    });
  }

  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  connection(credentials: (refused?: boolean) => Promise<Credentials> = async () => ({})): Connection {
    return { server: `http://127.0.0.1:${this.port}`, namespace: 'default', from: 'a test', credentials };
  }

  /** Breaks all connections, as a server that dies does. */
  breakConnections(): void {
    this.#server.closeAllConnections();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.breakConnections();
    await closed;
  }
}

export function sendJson(response: ServerResponse, value: unknown, code = 200): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
