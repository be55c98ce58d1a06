import { mkdirSync } from 'node:fs';
import { isIP } from 'node:net';

import { silentLog } from '../../base/log.ts';
import { openSqliteStore } from '../storage/sqlite/store.ts';
import type { User } from './authorize.ts';
import { InProcessClient } from './client.ts';
import { textOf } from './answers.ts';
import { handle } from './handler.ts';
import type { HandlerParts } from './handler.ts';
import { serveHttps } from './http.ts';
import { kubeconfigText, openPki } from './pki.ts';
import { ApiServer } from './server.ts';
import type { EmbeddedApi, EmbeddedApiOptions } from './types.ts';
import { ApiError } from '../../resources/object.ts';
import type { Status } from '../../resources/object.ts';

export type { EmbeddedApi, EmbeddedApiOptions } from './types.ts';

/** How often old events are looked for. */
const sweepEveryMs = 300_000;

/**
 * Opens the embedded API on a data folder: database, certificates, HTTPS, in-process client.
 * Throws Conflict when the data or the port is in use.
 *
 * @example
 * const api = await openEmbeddedApi({ data: '.tsumugi', port: 6440 });
 * await api.client.list(configMaps, { namespace: 'default' });
 * await api.close();
 */
export async function openEmbeddedApi(options: EmbeddedApiOptions): Promise<EmbeddedApi> {
  const {
    data,
    host = '127.0.0.1',
    port = 0,
    extraHosts = [],
    listen = true,
    kinds,
    node,
    podAccess,
    log = silentLog,
    history,
    sync,
    observer,
  } = options;
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const wildcard = host === '0.0.0.0' || host === '::';
  const pki = openPki(data, wildcard ? extraHosts : [host, ...extraHosts]);
  const store = openSqliteStore({
    data,
    ...(history && { history }),
    ...(sync && { sync }),
    ...(observer && { onCommit: (commit) => observer.committed(commit) }),
  });
  const server = new ApiServer({ store, accountKey: pki.accountKey, node, ...(kinds && { kinds }) });
  const parts: HandlerParts = { server, podAccess, log };
  try {
    await server.start();
    const https = listen ? await serveHttps({ ...parts, observer, host, port, cert: pki.cert, key: pki.key, token: pki.token }) : undefined;
    const name = wildcard ? '127.0.0.1' : isIP(host) === 6 ? `[${host}]` : host;
    const url = https ? `https://${name}:${https.port}` : '';
    const sweep = setInterval(() => {
      server.expireEvents().catch((error: unknown) => log.warn({ err: error }, 'old events could not be removed'));
    }, sweepEveryMs).unref();
    return {
      client: new InProcessClient(server, (path, user, signal) => rawGet(parts, path, user, signal)),
      server,
      store,
      url,
      port: https?.port ?? 0,
      token: pki.token,
      ca: pki.ca,
      kubeconfig: kubeconfigText(url, pki),
      close: async () => {
        clearInterval(sweep);
        server.close();
        await https?.close();
        await store.close();
      },
    };
  } catch (error) {
    server.close();
    await store.close();
    throw error;
  }
}

async function rawGet(parts: HandlerParts, path: string, user: User, signal: AbortSignal | undefined): Promise<string> {
  const url = new URL(path, 'https://api');
  const { status, body } = await handle(parts, {
    method: 'GET',
    path: url.pathname,
    query: url.searchParams,
    accept: 'application/json',
    contentType: '',
    user,
    ...(signal && { signal }),
    body: async () => new Uint8Array(),
  });
  const text = await textOf(body);
  if (status >= 400) throw new ApiError(JSON.parse(text) as Status);
  return text;
}
