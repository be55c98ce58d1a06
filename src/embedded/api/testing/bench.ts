/** An embedded API of its own for a test, on a data folder that goes with it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import type { IncomingHttpHeaders, RequestOptions } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openEmbeddedApi } from '../index.ts';
import type { EmbeddedApi, EmbeddedApiOptions } from '../types.ts';

export interface ApiBench extends AsyncDisposable {
  readonly api: EmbeddedApi;
  readonly data: string;
}

export async function openBench(options: Omit<EmbeddedApiOptions, 'data'> = {}): Promise<ApiBench> {
  const data = mkdtempSync(join(tmpdir(), 'tsumugi-api-'));
  const api = await openEmbeddedApi({ data, listen: false, ...options });
  return {
    api,
    data,
    [Symbol.asyncDispose]: async () => {
      await api.close();
      rmSync(data, { recursive: true });
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  json(): Record<string, unknown>;
}

export interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
  /** null: none is sent. */
  readonly token?: string | null;
}

/** One request over HTTPS, trusting only the server's own CA, on a connection of its own. */
export function ask(api: EmbeddedApi, { method = 'GET', path, headers = {}, body, token = api.token }: Ask): Promise<Answer> {
  const options: RequestOptions & { ca: string } = {
    method,
    host: '127.0.0.1',
    port: api.port,
    path,
    ca: api.ca,
    agent: false,
    headers: {
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && {
        'content-type': 'application/json',
        ...(!headers['transfer-encoding'] && { 'content-length': String(Buffer.byteLength(body)) }),
      }),
      ...headers,
    },
  };
  return new Promise((resolve, reject) => {
    const sending = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json: () => JSON.parse(text) as Record<string, unknown>,
        });
      });
    });
    sending.on('error', reject);
    sending.end(body);
  });
}
