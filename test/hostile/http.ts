/** One request over one of few kept connections, and its whole answer. */
import { request as requestPlain } from 'node:http';
import { Agent, request as requestSecure } from 'node:https';
import type { ApiCase } from './api-cases.ts';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

export interface Target {
  readonly url: URL;
  readonly agent: Agent;
  readonly headers: Readonly<Record<string, string>>;
}

/** Of an API server; the agent is closed with `agent.destroy()`. */
export function apiTarget(server: string, tls: { ca?: string; cert?: string; key?: string }, token?: string): Target {
  const agent = new Agent({ ...tls, keepAlive: true, maxSockets: 8 });
  return { url: new URL(server), agent, headers: token ? { authorization: `Bearer ${token}` } : {} };
}

/** Rejects only when no answer came. */
export function exchange({ url, agent, headers }: Target, asked: ApiCase): Promise<Answer> {
  const send = url.protocol === 'https:' ? requestSecure : requestPlain;
  return new Promise((resolve, reject) => {
    const request = send(
      // `path` as it is: URL would tidy it up.
      {
        host: url.hostname,
        port: url.port,
        agent,
        method: asked.method,
        path: asked.path,
        headers: { ...headers, ...asked.headers, ...(asked.body && { 'content-length': String(asked.body.length) }) },
        timeout: 30_000,
      },
      (response) => {
        let text = '';
        response.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', text }));
      },
    );
    request.on('timeout', () => request.destroy(new Error('no answer within 30 s')));
    request.on('error', reject);
    request.end(asked.body);
  });
}
