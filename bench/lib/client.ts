import { type Agent, request } from 'node:http';

/** One request, on a connection of its own if no agent has one; ms to the end of the answer. */
export function timed(url: string, body?: Buffer, agent: Agent | false = false): Promise<{ status: number; ms: number; bytes: number }> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const outgoing = request(url, { agent, method: body ? 'POST' : 'GET' }, (answer) => {
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => (bytes += chunk.length));
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode!, ms: performance.now() - start, bytes }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
