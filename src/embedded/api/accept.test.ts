import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { encoded, negotiate } from './accept.ts';
import { jsonReply, type Reply } from './answers.ts';
import { admin } from './authorize.ts';
import type { ApiRequest } from './request.ts';

const request = (more: Partial<ApiRequest> = {}): ApiRequest => ({
  method: 'GET',
  path: '/api/v1/pods',
  query: new URLSearchParams(),
  accept: '',
  contentType: '',
  user: admin,
  body: async () => new Uint8Array(),
  ...more,
});

describe('negotiate', () => {
  test.each([
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['application/yaml', 'application/yaml'],
    ['application/vnd.kubernetes.protobuf,application/json', 'application/json'],
    ['application/yaml;q=0.5, application/json;q=0.9', 'application/json'],
  ])('%j gets %s', (accept, type) => expect(negotiate(accept).type).toBe(type));

  test('protobuf alone is refused, and not offered', () => {
    expect(() => negotiate('application/vnd.kubernetes.protobuf')).toThrow(
      /^only the following media types are accepted: application\/json, application\/yaml$/,
    );
  });

  test('the first form that is served counts', () => {
    const accept = 'application/json;as=B;g=g;v=v1, application/json;as=A;g=g;v=v1, application/json';
    expect(negotiate(accept, { forms: ({ as }) => as === 'A' }).form).toEqual({ as: 'A', group: 'g', version: 'v1' });
    expect(negotiate(accept).form).toBeUndefined();
  });
});

describe('encoded', () => {
  const reply = jsonReply(200, '{"b":["yes",1],"a":"2026-01-01"}');

  test('what a client gets by default is what was made', async () => {
    expect(await encoded(reply, request({ accept: 'application/json' }))).toBe(reply);
  });

  test('YAML, sorted, with every text still a text', async () => {
    const { headers, body } = await encoded(reply, request({ accept: 'application/yaml' }));
    expect(headers['content-type']).toBe('application/yaml');
    expect(body).toBe('a: "2026-01-01"\nb:\n- "yes"\n- 1\n');
    expect(parse(body as string, { version: '1.1' })).toEqual({ a: '2026-01-01', b: ['yes', 1] });
  });

  test('pretty for those who look at it, a streamed list too; never a watch', async () => {
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{"a":');
      yield Buffer.from('1}');
    }
    const streamed: Reply = { ...reply, body: pieces() };
    expect((await encoded(streamed, request({ userAgent: 'curl/8' }))).body).toBe('{\n  "a": 1\n}\n');
    const watch: Reply = { ...reply, body: pieces(), endless: true };
    expect(await encoded(watch, request({ userAgent: 'curl/8' }))).toBe(watch);
  });
});
