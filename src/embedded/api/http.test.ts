import { once } from 'node:events';
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { nameSuffix } from '../../base/ids.ts';
import { ApiError } from '../../resources/object.ts';
import { openEmbeddedApi } from './index.ts';
import type { PodAccess } from './pod-access.ts';
import { ask, openBench } from './testing/bench.ts';
import type { Answer, ApiBench, Ask } from './testing/bench.ts';

/** A node whose every log has three lines; `follow` waits for the reader to go. */
const podAccess: PodAccess = {
  async *log(pod, options) {
    if (pod.metadata.name === 'waiting') {
      const message = `container "${options.container}" in pod "waiting" is waiting to start: ImageUnavailable`;
      throw new ApiError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason: 'BadRequest', code: 400 });
    }
    const lines = ['one', 'two', 'three'].slice(-(options.tailLines ?? 3));
    for (const line of lines) yield Buffer.from(`${line}\n`);
    if (options.follow) await new Promise<void>((resolve) => options.signal.addEventListener('abort', () => resolve(), { once: true }));
  },
};

let bench: ApiBench;
beforeAll(async () => {
  bench = await openBench({ listen: true, podAccess, history: { maxBytes: 5000 } });
});
afterAll(() => bench[Symbol.asyncDispose]());

const base = '/api/v1/namespaces/default';
const asked = (options: Ask): Promise<Answer> => ask(bench.api, options);
const unique = (): string => `t-${nameSuffix(8)}`;
const post = (plural: string, object: object, query = ''): Promise<Answer> =>
  asked({ method: 'POST', path: `${base}/${plural}${query}`, body: JSON.stringify(object) });

/** An open response of a stream, line by line. */
async function open(path: string, headers: Record<string, string> = {}) {
  const { api } = bench;
  const sending = request({
    host: '127.0.0.1',
    port: api.port,
    path,
    ca: api.ca,
    agent: false,
    headers: { authorization: `Bearer ${api.token}`, ...headers },
  });
  sending.on('error', () => {});
  sending.end();
  const [response] = (await once(sending, 'response')) as [IncomingMessage];
  response.setEncoding('utf8');
  const chunks = response[Symbol.asyncIterator]() as AsyncIterator<string>;
  let rest = '';
  return {
    status: response.statusCode,
    /** The next line; undefined at the end. */
    async line(): Promise<string | undefined> {
      for (;;) {
        const at = rest.indexOf('\n');
        if (at >= 0) {
          const line = rest.slice(0, at);
          rest = rest.slice(at + 1);
          return line;
        }
        const next = await chunks.next();
        if (next.done) return undefined;
        rest += next.value;
      }
    },
    close: () => sending.destroy(),
  };
}

describe('who asks', () => {
  it.each(['/healthz', '/livez', '/readyz', '/version'])('%s needs no token', async (path) => {
    expect((await asked({ path, token: null })).status).toBe(200);
  });

  it('is nobody without a token, and may then see nothing', async () => {
    const objects = await asked({ path: '/api/v1/namespaces', token: null });
    expect(objects.status).toBe(403);
    expect(objects.json()).toMatchObject({
      reason: 'Forbidden',
      message: 'namespaces is forbidden: User "system:anonymous" cannot list resource "namespaces" in API group "" at the cluster scope',
    });
    const paths = await asked({ path: '/openapi/v3', token: null });
    expect([paths.status, paths.json()['message']]).toEqual([403, 'forbidden: User "system:anonymous" cannot get path "/openapi/v3"']);
  });

  it.each(['wrong', '', 'x'.repeat(43)])('is refused with the token %j', async (token) => {
    const answer = await asked({ path: '/version', token });
    expect(answer.json()).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'Unauthorized',
      reason: 'Unauthorized',
      code: 401,
    });
  });
});

describe('paths and methods', () => {
  it.each([
    ['GET', '/foo', 404],
    ['GET', '/api/v1/foos', 404],
    ['GET', `${base}/configmaps/x/status`, 404],
    ['GET', `${base}/configmaps/x/y/z`, 404],
    ['GET', '/api/v1/configmaps/x', 404],
    ['GET', '/apis/none.dev/v1/things', 404],
    ['GET', `${base}/%zz`, 400],
    ['POST', `${base}/configmaps/x`, 405],
    ['POST', '/api/v1/configmaps', 405],
    ['PUT', `${base}/configmaps`, 405],
    ['PATCH', `${base}/configmaps`, 405],
    ['DELETE', '/api/v1/namespaces', 405],
    ['POST', '/version', 405],
  ])('%s %s -> %i, a Status', async (method, path, status) => {
    const answer = await asked({ method, path, ...(method !== 'GET' && { body: '{}' }) });
    expect(answer.status).toBe(status);
    expect(answer.json()).toMatchObject({ kind: 'Status', status: 'Failure', code: status });
  });
});

describe('bodies', () => {
  it('may be YAML', async () => {
    const name = unique();
    const body = `metadata:\n  name: ${name}\ndata: {a: "1"}\n`;
    const answer = await asked({ method: 'POST', path: `${base}/configmaps`, body, headers: { 'content-type': 'application/yaml' } });
    expect([answer.status, answer.json()['data']]).toEqual([201, { a: '1' }]);
  });

  it('of an unknown type are refused', async () => {
    const answer = await asked({ method: 'POST', path: `${base}/configmaps`, body: 'x', headers: { 'content-type': 'text/plain' } });
    expect([answer.status, answer.json()['message']]).toEqual([
      415,
      'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    ]);
    const patch = await asked({ method: 'PATCH', path: `${base}/configmaps/x`, body: '{}', headers: { 'content-type': 'text/plain' } });
    expect([patch.status, patch.json()['message']]).toEqual([415, '415: Unsupported Media Type']);
  });

  it('over 3 MiB are refused, told or not told beforehand', async () => {
    const body = JSON.stringify({ metadata: { name: unique() }, data: { a: 'x'.repeat(3 << 20) } });
    const answer = await asked({ method: 'POST', path: `${base}/configmaps`, body });
    expect([answer.status, answer.json()['reason']]).toEqual([413, 'RequestEntityTooLarge']);
    const chunked = await asked({ method: 'POST', path: `${base}/configmaps`, body, headers: { 'transfer-encoding': 'chunked' } });
    expect(chunked.status).toBe(413);
  });

  it('give warnings as headers', async () => {
    const answer = await asked({
      method: 'POST',
      path: `${base}/configmaps?dryRun=All`,
      body: `{"metadata":{"name":"${unique()}"},"data":{"a":"1","a":"2"},"foo":1}`,
    });
    expect([answer.status, answer.headers['warning']]).toEqual([
      201,
      '299 - "duplicate field \\"data.a\\"", 299 - "unknown field \\"foo\\""',
    ]);
    const strict = await post('configmaps', { metadata: { name: unique() }, foo: 1 }, '?fieldValidation=Strict');
    expect(strict.status).toBe(400);
  });

  it.each([
    ['dryRun=Some', 'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"'],
    [
      'fieldValidation=Foo',
      'CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Foo": supported values: "", "Ignore", "Strict", "Warn"',
    ],
  ])('with ?%s are refused', async (query, message) => {
    const answer = await post('configmaps', { metadata: { name: unique() } }, `?${query}`);
    expect([answer.status, answer.json()['message']]).toEqual([422, message]);
  });
});

describe('what nobody sends in earnest', () => {
  it('is answered, and harms nobody', async () => {
    const odd = await post('configmaps', { metadata: { name: unique() }, '日本\u007f\n': 1 }, '?dryRun=All');
    expect([odd.status, Buffer.from(odd.headers['warning'] as unknown as string, 'latin1').toString()]).toEqual([
      201,
      '299 - "unknown field \\"日本\\n\\""',
    ]);
    expect((await asked({ path: '//' })).status).toBe(404);
    const deep = `{"metadata":{"name":"deep"},"data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect((await asked({ method: 'POST', path: `${base}/configmaps`, body: deep })).status).toBeGreaterThanOrEqual(400);
    expect((await asked({ path: '/readyz' })).status).toBe(200);
  });
});

describe('deletes', () => {
  it('take options from the body and from the query', async () => {
    const name = unique();
    await post('configmaps', { metadata: { name } });
    const path = `${base}/configmaps/${name}`;
    const wrong = await asked({ method: 'DELETE', path, body: '{"preconditions":{"uid":"other"}}' });
    expect([wrong.status, wrong.json()['reason']]).toEqual([409, 'Conflict']);
    const yaml = await asked({ method: 'DELETE', path, body: '{"dryRun":', headers: { 'content-type': 'application/yaml' } });
    expect([yaml.status, yaml.json()['reason']]).toEqual([400, 'BadRequest']);
    const policy = await asked({ method: 'DELETE', path, body: '{"propagationPolicy":"Foo"}' });
    expect([policy.status, policy.json()['message']]).toEqual([
      422,
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Foo": supported values: "Foreground", "Background", "Orphan", "nil"',
    ]);
    expect((await asked({ method: 'DELETE', path: `${path}?dryRun=All` })).json()).toMatchObject({ status: 'Success' });
    expect((await asked({ path })).status).toBe(200);
    expect((await asked({ method: 'DELETE', path: `${path}?propagationPolicy=Foreground` })).json()).toMatchObject({
      metadata: { finalizers: ['foregroundDeletion'] },
    });
  });
});

const asTable = {
  accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json',
};

describe('tables', () => {
  it('show lists and single objects', async () => {
    const name = unique();
    await post('configmaps', { metadata: { name, labels: { table: name } }, data: { a: '1', b: '2' } });
    const list = (await asked({ path: `${base}/configmaps?labelSelector=table%3D${name}`, headers: asTable })).json();
    expect(list).toMatchObject({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      columnDefinitions: [{ name: 'Name' }, { name: 'Data' }, { name: 'Age' }],
    });
    expect(list['rows']).toMatchObject([
      { cells: [name, 2, expect.stringMatching(/^\d+s$/)], object: { kind: 'PartialObjectMetadata', metadata: { name } } },
    ]);
    const one = (await asked({ path: `${base}/configmaps/${name}?includeObject=Object`, headers: asTable })).json();
    expect(one['rows']).toMatchObject([{ cells: [name, 2, expect.any(String)], object: { kind: 'ConfigMap', data: { a: '1' } } }]);
    const none = (await asked({ path: `${base}/configmaps/${name}?includeObject=None`, headers: asTable })).json();
    expect(none['rows']).toMatchObject([{ object: null }]);
  });

  it('are watched, with the columns once', async () => {
    const name = unique();
    const watch = await open(`${base}/configmaps?watch=1&fieldSelector=metadata.name%3D${name}`, asTable);
    await post('configmaps', { metadata: { name } });
    const added = JSON.parse((await watch.line()) ?? '') as Record<string, unknown>;
    expect(added).toMatchObject({
      type: 'ADDED',
      object: { kind: 'Table', columnDefinitions: [{ name: 'Name' }, {}, {}], rows: [{ cells: [name, 0, '0s'] }] },
    });
    await asked({ method: 'DELETE', path: `${base}/configmaps/${name}` });
    expect(JSON.parse((await watch.line()) ?? '')).toMatchObject({
      type: 'DELETED',
      object: { columnDefinitions: null, rows: [{ cells: [name, 0, expect.any(String)] }] },
    });
    watch.close();
  });
});

describe('watches', () => {
  it('say that the past is gone within the stream', async () => {
    const name = unique();
    const made = (await post('configmaps', { metadata: { name } })).json();
    for (let n = 0; n < 30; n++) {
      await asked({
        method: 'PATCH',
        path: `${base}/configmaps/${name}`,
        body: JSON.stringify({ data: { n: `${n}`.repeat(200) } }),
        headers: { 'content-type': 'application/merge-patch+json' },
      });
    }
    const { resourceVersion } = made['metadata'] as { resourceVersion: string };
    const watch = await open(`${base}/configmaps?watch=1&resourceVersion=${resourceVersion}`);
    expect(watch.status).toBe(200);
    expect(JSON.parse((await watch.line()) ?? '')).toMatchObject({
      type: 'ERROR',
      object: { kind: 'Status', reason: 'Expired', code: 410 },
    });
    expect(await watch.line()).toBeUndefined();
  });

  it('end when the time is up, with a bookmark on request', async () => {
    const watch = await open(`${base}/configmaps?watch=true&timeoutSeconds=1&allowWatchBookmarks=true&fieldSelector=metadata.name%3Dnone`);
    expect(JSON.parse((await watch.line()) ?? '')).toMatchObject({
      type: 'BOOKMARK',
      object: { kind: 'ConfigMap', metadata: { resourceVersion: expect.stringMatching(/^\d+$/) } },
    });
    expect(await watch.line()).toBeUndefined();
  });

  it('have the old form of path, too', async () => {
    const name = unique();
    await post('configmaps', { metadata: { name } });
    const watch = await open(`/api/v1/watch/namespaces/default/configmaps/${name}`);
    expect(JSON.parse((await watch.line()) ?? '')).toMatchObject({ type: 'ADDED', object: { metadata: { name } } });
    watch.close();
  });
});

describe('logs of pods', () => {
  const pod = (name: string, spec: object = { nodeName: 'here' }, containers = ['main']): object => ({
    metadata: { name },
    spec: { ...spec, containers: containers.map((container) => ({ name: container, image: 'host' })) },
  });

  it('are read through the node', async () => {
    await post('pods', pod('logged'));
    expect((await asked({ path: `${base}/pods/logged/log` })).text).toBe('one\ntwo\nthree\n');
    expect((await asked({ path: `${base}/pods/logged/log?tailLines=1` })).text).toBe('three\n');
    const followed = await open(`${base}/pods/logged/log?follow=true`);
    expect([await followed.line(), await followed.line(), await followed.line()]).toEqual(['one', 'two', 'three']);
    followed.close();
  });

  it('are refused with a Status where there is none', async () => {
    await post('pods', pod('waiting'));
    await post('pods', pod('unplaced', {}));
    await post('pods', pod('two', { nodeName: 'here' }, ['a', 'b']));
    const message = async (path: string): Promise<unknown[]> => {
      const answer = await asked({ path: `${base}/pods/${path}` });
      return [answer.status, answer.text && answer.json()['message']];
    };
    expect(await message('waiting/log')).toEqual([400, 'container "main" in pod "waiting" is waiting to start: ImageUnavailable']);
    expect(await message('none/log')).toEqual([404, 'pods "none" not found']);
    expect(await message('unplaced/log')).toEqual([204, '']);
    expect(await message('two/log')).toEqual([400, 'a container name must be specified for pod two, choose one of: [a b]']);
    expect(await message('two/log?container=x')).toEqual([400, 'container x is not valid for pod two']);
    expect(await message('two/log?container=b&tailLines=-1')).toEqual([
      422,
      'PodLogOptions "two" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
    ]);
  });
});

describe('the listener', () => {
  it('ends watches and lets go of its port when it closes', async () => {
    const own = await openBench({ listen: true });
    const { api } = own;
    const watching = ask(api, { path: `${base}/configmaps?watch=1` });
    const configMaps = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true };
    const events = api.client.watch(configMaps)[Symbol.asyncIterator]();
    const following = events.next();
    await ask(api, { path: '/version' });
    await own[Symbol.asyncDispose]();
    expect([(await watching).status, await following]).toMatchObject([200, { done: true }]);
  });

  it('does not wait for clients that would keep their connections', async () => {
    const own = await openBench({ listen: true });
    const agent = new Agent({ keepAlive: true });
    const { api } = own;
    const headers = { authorization: `Bearer ${api.token}` };
    const sending = request({ host: '127.0.0.1', port: api.port, path: `${base}/configmaps?watch=1`, ca: api.ca, agent, headers });
    sending.end();
    const [response] = (await once(sending, 'response')) as [IncomingMessage];
    response.resume();
    const kept = once(agent, 'free') as Promise<[Socket]>;
    const closing = own[Symbol.asyncDispose]();
    const [socket] = await kept;
    socket.resume();
    // The server ends it; the agent would have kept it open for more.
    await once(socket, 'close');
    await closing;
    agent.destroy();
    expect(socket.destroyed).toBe(true);
  });

  it('refuses a port that is taken, and leaves nothing open', async () => {
    const data = `${bench.data}-second`;
    await expect(openEmbeddedApi({ data, port: bench.api.port })).rejects.toThrow(`port ${bench.api.port} on 127.0.0.1 is taken`);
    const again = await openEmbeddedApi({ data, listen: false });
    await again.close();
    const { rmSync } = await import('node:fs');
    rmSync(data, { recursive: true });
  });

  it('answers HEAD with the head alone', async () => {
    const answer = await asked({ method: 'HEAD', path: '/readyz' });
    expect([answer.status, answer.text]).toEqual([200, '']);
  });
});
