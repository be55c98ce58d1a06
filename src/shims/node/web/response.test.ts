/** Our Response against undici's. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Response } from './response.ts';
import { type Classes, list, same, table, whole } from './testing/compare.ts';

describe('Response', () => {
  const inits: Record<string, unknown> = {
    nothing: undefined,
    null: null,
    'an empty object': {},
    'a number': 5,
    '201': { status: 201 },
    '199': { status: 199 },
    '600': { status: 600 },
    '204': { status: 204 },
    '304': { status: 304 },
    '205': { status: 205 },
    'status as text': { status: '404' },
    'status NaN': { status: NaN },
    'status null': { status: null },
    'status beyond 16 bits': { status: 65_536 + 200 },
    'status with a fraction': { status: 200.9 },
    'status text': { statusText: 'Fine\tü' },
    'bad status text': { statusText: 'a\n' },
    'status text beyond bytes': { statusText: '\u3042' },
    headers: { headers: { A: 'b', 'Set-Cookie': 'c' } },
    'own content-type': { headers: [['Content-Type', 'text/html']] },
    'empty content-type': { headers: { 'content-type': '' } },
    'bad headers': { headers: { 'a b': 'c' } },
    'headers null': { headers: null },
  };
  for (const [name, init] of Object.entries(inits)) {
    table({
      [`with a body and ${name}`]: (web) => whole(new web.Response('x', init as never)),
      [`without body and ${name}`]: (web) => whole(new web.Response(null, init as never)),
      // undici refuses null here, where the standard takes it as an empty dictionary.
      ...(init === null ? {} : { [`json and ${name}`]: (web: Classes) => whole(web.Response.json({ a: 1 }, init)) }),
    });
  }
  test('any status and text', async () => {
    await fc.assert(
      fc.asyncProperty(
        // undici does not wrap numbers below zero as Web IDL does (tested below).
        fc.oneof(
          fc.integer({ min: 100, max: 700 }),
          fc.anything({ maxDepth: 0 }).filter((status) => !(Number(status) < -1)),
        ),
        fc.oneof(fc.string(), fc.string({ unit: 'binary' })),
        async (status, statusText) => {
          await same((web) => whole(new web.Response('a', { status, statusText } as never)));
        },
      ),
      { numRuns: 300 },
    );
  });
  test('a status below zero wraps at 2^16, as Web IDL says', () => {
    expect(new Response('a', { status: 200 - 65_536 }).status).toBe(200);
    expect(() => new Response('a', { status: -1 })).toThrow(RangeError);
  });
  table({
    'json of undefined': (web) => web.Response.json(undefined),
    'json of a function': (web) => web.Response.json(() => 1),
    'json of a cycle': (web) => {
      const a: { a?: unknown } = {};
      a.a = a;
      return web.Response.json(a);
    },
    'json without argument': (web) => (web.Response as unknown as { json: () => void }).json(),
    'json of a BigInt': (web) => web.Response.json(1n),
    redirect: (web) => whole(web.Response.redirect('http://a/b?c#d')),
    'redirect 307': (web) => whole(web.Response.redirect(new URL('http://a/b'), 307)),
    'redirect 200': (web) => web.Response.redirect('http://a', 200 as never),
    'redirect to nowhere': (web) => web.Response.redirect('nowhere'),
    'redirect headers are immutable': (web) => web.Response.redirect('http://a').headers.set('a', 'b'),
    'clone of a redirect too': (web) => web.Response.redirect('http://a').clone().headers.delete('location'),
    error: (web) => whole(web.Response.error()),
    'error headers are immutable': (web) => web.Response.error().headers.append('a', 'b'),
    'headers can be changed': (web) => {
      const response = new web.Response('a');
      response.headers.set('x', 'y');
      response.headers.delete('content-type');
      return [list(response.headers), response.headers === response.headers];
    },
    'clone has its own headers': (web) => {
      const response = new web.Response('a', { status: 201, statusText: 'b', headers: { c: 'd' } });
      const clone = response.clone();
      response.headers.set('c', 'e');
      return whole(clone);
    },
    'writing to a property': (web) => {
      const response = new web.Response();
      (response as { status: number }).status = 5;
      return response.status;
    },
    'instanceof itself': (web) => [
      new web.Response() instanceof web.Response,
      {} instanceof web.Response,
      web.Response.prototype instanceof web.Response,
    ],
    'a subclass': (web) => {
      class Mine extends web.Response {}
      return [new Mine('a') instanceof Mine, new Mine() instanceof web.Response, new web.Response() instanceof Mine, new Mine('a').status];
    },
    keys: (web) => {
      const keys: string[] = [];
      for (const key in new web.Response()) keys.push(key);
      return keys.sort();
    },
  });
});
