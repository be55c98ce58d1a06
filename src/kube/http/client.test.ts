import { describe, expect, it } from 'vitest';
import { ApiError } from '../../resources/object.ts';
import { type ConfigMap, configMap, configMaps, refusal } from '../contract/bench.contract.ts';
import type { Connection } from '../connection.ts';
import { closeAfterEach, maps, onTestEnd, openTestApi } from '../testing/embedded.ts';
import { type Answer, ScriptedServer, sendJson } from '../testing/scripted-server.ts';
import { createHttpClient, type HttpKubeClient } from './client.ts';

closeAfterEach();

/** A client of a server that answers as told. */
async function scripted(
  answer: Answer,
  credentials?: Connection['credentials'],
): Promise<{ server: ScriptedServer; client: HttpKubeClient }> {
  const server = await new ScriptedServer(answer).listen();
  const client = createHttpClient(server.connection(credentials));
  onTestEnd(async () => {
    client.close();
    await server.close();
  });
  return { server, client };
}

const get = (client: HttpKubeClient): Promise<ConfigMap> => client.get(configMaps, { namespace: 'default', name: 'a' });

describe('createHttpClient', () => {
  it('keeps its connection', async () => {
    const ports = new Set<number | undefined>();
    const { client } = await scripted((request, response) => {
      ports.add(request.socket.remotePort);
      sendJson(response, configMap('default', 'a'));
    });
    for (let i = 0; i < 5; i++) await get(client);
    expect(ports.size).toBe(1);
  });

  it('says ServiceUnavailable when there is no answer, or only a part of one', async () => {
    const { client, server } = await scripted((request) => request.socket.destroy());
    expect(await refusal(get(client))).toMatchObject({ code: 503, reason: 'ServiceUnavailable' });
    server.answer = (_, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{"kind"');
      setImmediate(() => response.destroy());
    };
    expect(await refusal(get(client))).toMatchObject({ code: 503, reason: 'ServiceUnavailable' });
    await server.close();
    const status = await refusal(get(client));
    expect(status.message).toMatch(/^no answer from http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
    await server.listen();
  });

  it('makes a Status of what a proxy says instead of the server', async () => {
    const { client, server } = await scripted((_, response) => response.writeHead(502).end('<h1>Bad Gateway</h1>'));
    expect(await refusal(get(client))).toMatchObject({
      code: 502,
      reason: 'InternalError',
      message: 'the server answered 502: <h1>Bad Gateway</h1>',
    });
    server.answer = (_, response) => response.writeHead(429, { 'retry-after': '7' }).end('slow down');
    expect(await refusal(get(client))).toMatchObject({ code: 429, reason: 'TooManyRequests', details: { retryAfterSeconds: 7 } });
  });

  it('shows its token, and asks for another when it is refused', async () => {
    const shown: (string | undefined)[] = [];
    const { client } = await scripted(
      (request, response) => {
        shown.push(request.headers.authorization);
        if (request.headers.authorization === 'Bearer new') sendJson(response, configMap('default', 'a'));
        else sendJson(response, { kind: 'Status', status: 'Failure', reason: 'Unauthorized', code: 401 }, 401);
      },
      async (refused) => ({ token: refused ? 'new' : 'old' }),
    );
    await get(client);
    expect(shown).toEqual(['Bearer old', 'Bearer new']);
  });

  it('is refused when the other token is no better', async () => {
    const { client, server } = await scripted((_, response) =>
      sendJson(response, { kind: 'Status', status: 'Failure', reason: 'Unauthorized', code: 401 }, 401),
    );
    expect(await refusal(get(client))).toMatchObject({ reason: 'Unauthorized' });
    expect(server.requests).toHaveLength(2);
  });

  it('reads events that come in pieces, of any size and many at a time', async () => {
    const big = configMap('default', 'big', { text: 'ü€𝄞'.repeat(50_000) });
    const small = configMap('default', 'small');
    const bytes = Buffer.from([big, small, small].map((object) => `${JSON.stringify({ type: 'ADDED', object })}\n`).join(''));
    const { client } = await scripted((_, response) => {
      response.writeHead(200);
      // Cut in the middle of characters, too.
      for (let from = 0; from < bytes.length; from += 9_973) response.write(bytes.subarray(from, from + 9_973));
      response.end();
    });
    const seen: ConfigMap[] = [];
    for await (const event of client.watch<ConfigMap>(configMaps)) seen.push(event.object);
    expect(seen).toEqual([big, small, small]);
  });

  it('throws what breaks a watch: the server, or half an event', async () => {
    const { client } = await scripted((_, response) => {
      response.writeHead(200).write(`${JSON.stringify({ type: 'ADDED', object: configMap('default', 'a') })}\n{"type":"ADD`);
      setTimeout(() => response.destroy(), 20);
    });
    const seen: string[] = [];
    const watching = async (): Promise<void> => {
      for await (const event of client.watch(configMaps)) seen.push(event.object.metadata.name);
    };
    expect(await refusal(watching())).toMatchObject({ code: 503, reason: 'ServiceUnavailable' });
    expect(seen).toEqual(['a']);
  });

  it('lets go of the connection of a watch whose reader leaves', async () => {
    const closed = Promise.withResolvers<void>();
    const { client } = await scripted((request, response) => {
      request.socket.on('close', () => closed.resolve());
      response.writeHead(200).write(`${JSON.stringify({ type: 'ADDED', object: configMap('default', 'a') })}\n`);
    });
    for await (const event of client.watch(configMaps)) {
      expect(event.type).toBe('ADDED');
      break;
    }
    await closed.promise;
  });

  it('gives up a list whose signal is aborted', async () => {
    const asked = Promise.withResolvers<void>();
    const { client } = await scripted(() => asked.resolve());
    const abort = new AbortController();
    const listing = client.list(configMaps, { signal: abort.signal });
    await asked.promise;
    abort.abort(new Error('enough'));
    await expect(listing).rejects.toThrow('enough');
  });

  it('refuses to go on when it is closed', async () => {
    const { client } = await scripted((_, response) => sendJson(response, configMap('default', 'a')));
    await get(client);
    client.close();
    await expect(get(client)).rejects.toThrow(ApiError);
  });

  it('trusts only the CA of its connection', async () => {
    const api = await openTestApi({ listen: true });
    const connection = (ca: string | undefined): Connection => ({
      server: api.url,
      ...(ca && { ca }),
      namespace: 'default',
      from: 'a test',
      credentials: async () => ({ token: api.token }),
    });
    const trusting = createHttpClient(connection(api.ca));
    const strange = createHttpClient(connection(undefined));
    onTestEnd(() => {
      trusting.close();
      strange.close();
    });
    await maps.create(trusting, 'a');
    expect((await get(trusting)).metadata.name).toBe('a');
    expect((await refusal(get(strange))).message).toMatch(/certificate/);
  });
});
