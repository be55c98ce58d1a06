import { once } from 'node:events';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { configMaps } from '../../resources/resources.ts';
import { openBench } from './testing/bench.ts';
import type { ApiBench } from './testing/bench.ts';

let bench: ApiBench;
beforeAll(async () => {
  bench = await openBench({ listen: true });
});
afterAll(() => bench[Symbol.asyncDispose]());

const path = '/api/v1/namespaces/default/configmaps?watch=1&resourceVersion=';
const make = (name: string, text = ''): Promise<unknown> =>
  bench.api.client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data: { text } });

/** A connection on which these paths are asked for at once. */
async function asking(version: string, ...paths: string[]) {
  const { port, ca, token } = bench.api;
  const socket = connect({ host: '127.0.0.1', port, ca });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  const all: string[] = [];
  let last = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    all.push(text);
    last = (last + text).slice(-4000);
  });
  socket.write(paths.map((each) => `GET ${each} HTTP/${version}\r\nhost: h\r\nauthorization: Bearer ${token}\r\n\r\n`).join(''));
  return {
    socket,
    /** All that has come, once the last of it holds this and ends so. */
    until: async (what: string, end = '\n\r\n'): Promise<string> => {
      while (!last.endsWith(end) || !last.includes(what)) await once(socket, 'data');
      return all.join('');
    },
  };
}

/** What the chunks of a body hold. */
function unchunked(body: string): string {
  let text = '';
  for (let at = 0; at < body.length;) {
    const start = body.indexOf('\r\n', at) + 2;
    const length = parseInt(body.slice(at, start), 16);
    text += body.slice(start, start + length);
    at = start + length + 2;
  }
  return text;
}

const namesOf = (lines: string): unknown[] =>
  lines
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { object: { metadata: { name: string } } }).object.metadata.name);
const bodyOf = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4);

describe('a watch over HTTP', () => {
  it('gives a reader that stops and goes on each event once, in order', async () => {
    const { socket, until } = await asking('1.1', path + bench.api.store.revision());
    await until('HTTP/1.1 200', '\r\n\r\n');
    const names = Array.from({ length: 60 }, (_, n) => `many-${n}`);
    await make(names[0]!);
    await until('"many-0"');
    socket.pause();
    // More than the connection holds.
    for (const name of names.slice(1, 30)) await make(name, 'x'.repeat(400_000));
    socket.resume();
    await Promise.all(names.slice(30, 59).map((name) => make(name)));
    await make(names[59]!);
    const text = await until('"many-59"');
    socket.destroy();
    expect(namesOf(unchunked(bodyOf(text)))).toEqual(names);
  });

  it('has no chunks for HTTP/1.0', async () => {
    const { socket, until } = await asking('1.0', path + bench.api.store.revision());
    await until('HTTP/1.1 200', '\r\n\r\n');
    await make('old');
    const text = await until('"old"', '}\n');
    socket.destroy();
    expect(namesOf(bodyOf(text))).toEqual(['old']);
  });

  it('follows the answer to the request before it', async () => {
    const revision = bench.api.store.revision();
    const { socket, until } = await asking('1.1', '/version', path + revision);
    await make('behind');
    const text = await until('"type":"ADDED"');
    socket.destroy();
    const second = text.lastIndexOf('HTTP/1.1 200');
    expect(second).toBeGreaterThan(0);
    expect(namesOf(unchunked(bodyOf(text.slice(second))))).toEqual(['behind']);
  });
});
