/** Bodies that are no objects: a real API server refuses them in the words in which we do. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeBody } from '../../src/embedded/api/decode.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';
import { kindFor, unknownFields } from '../../src/resources/kinds.ts';
import type { KindDefinition } from '../../src/resources/kind.ts';
import { ApiError } from '../../src/resources/object.ts';
import { rawRequest } from './raw.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];
const configMaps = kindFor('', 'v1', 'configmaps') as KindDefinition;
const url = '/api/v1/namespaces/default/configmaps?dryRun=All&fieldValidation=Strict';
const json = 'application/json';
const protobuf = 'application/vnd.kubernetes.protobuf';

function ours(body: string | Uint8Array, type: string): unknown {
  try {
    return decodeBody(Buffer.from(body), type, configMaps);
  } catch (error) {
    if (error instanceof ApiError) return error.status;
    throw error;
  }
}

describe.runIf(path)('bodies on a real Kubernetes API server', () => {
  let connection: Connection;

  beforeAll(async () => {
    connection = await loadConnection({ path: path as string });
  });

  const send = (body: string | Uint8Array, type: string): ReturnType<typeof rawRequest> =>
    rawRequest(connection, 'POST', url, { 'content-type': type, accept: json }, body);

  it.each([
    ['', json],
    ['{"a":', json],
    ['{"a"', json],
    ['hello', json],
    ['{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}} {}', json],
    ['{"a":1 "b"}', json],
    ['{"a" 1}', json],
    ['{a:1}', json],
    ['{"a":1,}', json],
    ['{"a":[1 2]}', json],
    ['{"a":[1,]}', json],
    ['{"a":"\\x"}', json],
    ['{"a":"\\u12x4"}', json],
    ['{"a":"b\nc"}', json],
    ['{"a":"b', json],
    ['[]', json],
    ['"x"', json],
    ['true', json],
    ['17', json],
    ['{"apiVersion":1,"kind":2}', json],
    ['{"kind":[]}', json],
    ['{"apiVersion":"v1","kind":"Secret","metadata":{"name":"x"}}', json],
    ['{"apiVersion":"v2","kind":"ConfigMap"}', json],
    ['{"apiVersion":"v1","kind":"Nothing"}', json],
    ['{"apiVersion":"a.b/v1","kind":"Nothing"}', json],
    ['hello', 'application/yaml'],
    ['x', 'text/plain'],
  ])('%j as %s', async (body, type) => {
    const { code, reason, message } = (await send(body, type)).body as Record<string, unknown>;
    expect(ours(body, type)).toMatchObject({ code, reason, message });
  });

  it('names what stands twice and what is unknown', async () => {
    const body =
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","name":"y","ownerReferences":[{"a":1,"name":"b","name":"c"}]},"data":{"a":"b","a":"c"},"kind":"ConfigMap","foo":1}';
    const { object, duplicates } = ours(body, json) as ReturnType<typeof decodeBody>;
    const problems = [
      ...duplicates.paths.map((each) => `duplicate field "${each}"`),
      ...unknownFields(configMaps.structure, object).map((each) => `unknown field "${each}"`),
    ];
    const { message } = (await send(body, json)).body as { message: string };
    const [start, list] = message.split('strict decoding error: ') as [string, string];
    expect(start).toBe('ConfigMap in version "v1" cannot be handled as a ConfigMap: ');
    expect(list.split(', ').sort()).toEqual(problems.sort());
  });

  it('reads the protobuf that kubectl sends, as we do', async () => {
    const sent = JSON.parse(readFileSync(new URL('../../src/embedded/api/testing/kubectl-bodies.json', import.meta.url), 'utf8')) as {
      command: string;
      contentType: string;
      body: string;
    }[];
    const bodies = sent.filter(({ command, contentType }) => contentType === protobuf && command.includes('create configmap'));
    expect(bodies).toHaveLength(6);
    for (const { body } of bodies) {
      const bytes = Buffer.from(body, 'base64');
      const answer = await send(bytes, protobuf);
      expect(answer.status).toBe(201);
      const { object } = ours(bytes, protobuf) as ReturnType<typeof decodeBody>;
      expect(answer.body).toMatchObject(object);
    }
  });
});

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
