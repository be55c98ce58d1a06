/** Requests that the client port cannot make, since it speaks of objects alone: Tables, broken bodies. */
import { request } from 'node:https';
import type { Connection } from '../../src/kube/connection.ts';

export interface RawAnswer {
  readonly status: number;
  /** Undefined when it is no JSON. */
  readonly body: unknown;
  readonly text: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** What the server warns of, each as the header has it. */
  readonly warnings: readonly string[];
}

/** One request to the server of a connection. */
export async function rawRequest(
  connection: Connection,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: Uint8Array | string,
): Promise<RawAnswer> {
  const { server, ca } = connection;
  const { token, certificate: cert, key } = await connection.credentials();
  return await new Promise((resolve, reject) => {
    const options = {
      method,
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
      agent: false,
      // Node says no length of a DELETE's body by itself.
      headers: {
        ...headers,
        ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
        ...(token && { authorization: `Bearer ${token}` }),
      },
    };
    const asked = request(new URL(path, server), options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      const warnings = response.headersDistinct['warning'] ?? [];
      response
        .on('error', reject)
        .on('end', () => resolve({ status: response.statusCode ?? 0, body: parsed(text), text, headers: response.headers, warnings }));
    });
    asked.on('error', reject).end(body);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
