import { createServer, type Server } from 'node:net';
import { TsumugiError } from '../../base/errors.ts';
import { type Clock, HttpConnection, type RequestHandler } from './connection.ts';

/** How often connections are looked at that wait for too long, ms. */
const SWEEP = 1_000;

/** Listens for HTTP/1.1 and hands each request to the handler. */
export class HttpServer {
  readonly #connections = new Set<HttpConnection>();
  readonly #clock = { ...time() };
  readonly #server: Server;
  #sweep: NodeJS.Timeout | undefined;

  constructor(handler: RequestHandler) {
    this.#server = createServer({ noDelay: true }, (socket) => {
      if (this.#sweep === undefined) this.#start();
      const connection = new HttpConnection(socket, handler, this.#clock);
      this.#connections.add(connection);
      socket.on('close', () => this.#closed(connection));
    });
  }

  /** Resolves with the port. @throws {TsumugiError} Conflict when the port is taken. */
  listen(options: { readonly port: number; readonly host: string; readonly reusePort?: boolean; readonly fd?: number }): Promise<number> {
    const { port, host, reusePort = false, fd } = options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EADDRINUSE') return reject(error);
        reject(
          new TsumugiError('Conflict', `port ${port} on ${host} is taken`, {
            hint: 'stop what listens there, or choose another port',
            cause: error,
          }),
        );
      });
      this.#server.listen(fd === undefined ? { port, host, reusePort } : { fd }, () => {
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /** Takes no new connection; those that wait for a request are closed, the others after their answer. Resolves when all are. */
  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.closeIdle();
    return closed;
  }

  closeAllConnections(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  /** Only while somebody is connected: an idle gateway has no timer. */
  #start(): void {
    Object.assign(this.#clock, time());
    this.#sweep = setInterval(() => {
      Object.assign(this.#clock, time());
      for (const connection of this.#connections) connection.tick(this.#clock.now);
    }, SWEEP).unref();
  }

  #closed(connection: HttpConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}

const time = (): Clock => ({ now: performance.now(), date: `Date: ${new Date().toUTCString()}\r\n` });
