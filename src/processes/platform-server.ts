/** Serves the platform API: over HTTPS with the bearer token of the cluster, and over a unix socket that only its user can open. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

export interface PlatformServerOptions {
  readonly handler: RequestListener;
  /** Path of the unix socket; made 0600. */
  readonly socket: string;
  readonly host: string;
  readonly port: number;
  readonly tls: { readonly cert: string; readonly key: string };
  readonly token: string;
}

/** Resolves when both listen. */
export async function servePlatformApi({
  handler,
  socket,
  host,
  port,
  tls,
  token,
}: PlatformServerOptions): Promise<{ close(): Promise<void> }> {
  const wanted = digest(`Bearer ${token}`);
  const guarded: RequestListener = (request, response) => {
    if (timingSafeEqual(digest(request.headers.authorization ?? ''), wanted)) return handler(request, response);
    response.writeHead(401, { 'content-type': 'application/json', 'www-authenticate': 'Bearer' });
    return response.end(
      JSON.stringify({ error: { code: 'Unauthorized', message: 'no valid token', hint: 'use a kubeconfig of `tsumugi kubeconfig`' } }),
    );
  };
  // Logs are followed and activations waited for: the default limit on a whole request does not fit.
  const options = { requestTimeout: 0 };
  const local = createServer(options, handler);
  const remote = createTlsServer({ ...options, ...tls }, guarded);
  // Nobody else serves this data folder (it is locked): what is there is left from one that was killed.
  rmSync(socket, { force: true });
  await listen(local, { path: socket });
  chmodSync(socket, 0o600);
  await listen(remote, { host, port });
  return { close: async () => void (await Promise.all([close(local), close(remote)])) };
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

function listen(server: Server, where: { path: string } | { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
