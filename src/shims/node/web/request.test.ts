/** Our Request against undici's. */
import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import { everything, list, same, slips, table } from './testing/compare.ts';

describe('Request', () => {
  const inits: Record<string, unknown> = {
    nothing: undefined,
    null: null,
    text: 'x',
    'method patch': { method: 'PATCH' },
    'lower-case post': { method: 'post' },
    'lower-case patch': { method: 'patch' },
    'own method': { method: 'Chicken' },
    'bad method': { method: 'a b' },
    'forbidden method': { method: 'trace' },
    CONNECT: { method: 'CONNECT' },
    headers: { headers: { a: 'b', 'x-Y': 'z' } },
    'bad headers': { headers: { ü: 'b' } },
    'headers null': { headers: null },
    'GET with body': { body: 'x' },
    'HEAD with body': { method: 'HEAD', body: 'x' },
    'body null': { body: null, method: 'POST' },
    'own content-type': { method: 'PUT', body: 'x', headers: { 'content-type': 'a/b' } },
    'same-origin': { mode: 'same-origin' },
    'no-cors': { mode: 'no-cors' },
    'no-cors with PUT': { mode: 'no-cors', method: 'PUT' },
    navigate: { mode: 'navigate' },
    'bad mode': { mode: 'x' },
    'mode null': { mode: null },
    credentials: { credentials: 'include' },
    'bad credentials': { credentials: 'x' },
    cache: { cache: 'no-store' },
    'bad cache': { cache: 'x' },
    'only-if-cached': { cache: 'only-if-cached' },
    'only-if-cached of the same origin': { cache: 'only-if-cached', mode: 'same-origin' },
    'redirect manual': { redirect: 'manual' },
    'bad redirect': { redirect: 'x' },
    integrity: { integrity: 'sha256-abc' },
    'integrity null': { integrity: null },
    keepalive: { keepalive: 1 },
    referrer: { referrer: 'http://b/c' },
    'no referrer': { referrer: '' },
    'referrer client': { referrer: 'about:client' },
    'bad referrer': { referrer: 'x' },
    'referrer policy': { referrerPolicy: 'origin' },
    'bad referrer policy': { referrerPolicy: 'x' },
    window: { window: null },
    'bad window': { window: 'x' },
    'duplex full': { duplex: 'full' },
    priority: { priority: 'high' },
    'bad priority': { priority: 'x' },
    'signal null': { signal: null },
    'bad signal': { signal: 'x' },
    'aborted signal': { signal: AbortSignal.abort() },
    unknown: { unknown: 1 },
  };
  for (const [name, init] of Object.entries(inits)) {
    table({
      [`of a URL and ${name}`]: async (web) => {
        const request = new web.Request('http://a/b?c=d#e', init as never);
        return [everything(request), await request.text()];
      },
      [`of a Request and ${name}`]: async (web) => {
        const first = new web.Request('http://a/', {
          method: 'POST',
          body: 'first',
          headers: { q: 'r' },
          cache: 'reload',
          credentials: 'omit',
          redirect: 'error',
          integrity: 'i',
          keepalive: true,
        });
        const request = new web.Request(first, init as never);
        return [everything(request), await request.text(), first.bodyUsed];
      },
    });
  }

  test('any URL', async () => {
    const url = fc.oneof(
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      fc.string(),
      fc.constantFrom('HTTP://A:80/../b c', 'http://u:p@a/', 'data:,x', '//a', 'http://ä/ü?ö', 'blob:x'),
    );
    await fc.assert(
      fc.asyncProperty(url, async (text) => {
        await same((web) => new web.Request(text).url);
      }),
      { numRuns: 300 },
    );
  });

  table({
    'no argument': (web) => new (web.Request as unknown as new () => unknown)(),
    'a URL object': (web) => new web.Request(new URL('http://a/ b')).url,
    'any object becomes text': (web) => new web.Request({ toString: () => 'http://a/' } as never).url,
    'a used Request': async (web) => {
      const first = new web.Request('http://a', { method: 'POST', body: 'x' });
      await first.text();
      return new web.Request(first);
    },
    'a used Request with a new body': async (web) => {
      const first = new web.Request('http://a', { method: 'POST', body: 'x' });
      await first.text();
      return new web.Request(first, { body: 'y' }).text();
    },
    'a Request with a body made GET': (web) =>
      new web.Request(new web.Request('http://a', { method: 'POST', body: 'x' }), { method: 'GET' }),
    'new headers replace the old': (web) =>
      list(new web.Request(new web.Request('http://a', { headers: { a: 'b' } }), { headers: { c: 'd' } }).headers),
    'clone is independent': async (web) => {
      const request = new web.Request('http://a', { method: 'POST', body: 'x', headers: { a: 'b' }, cache: 'no-cache' });
      const clone = request.clone();
      request.headers.set('a', 'c');
      return [everything(clone), await clone.text(), everything(request), await request.text()];
    },
    'signal follows': (web) => {
      const controller = new AbortController();
      const request = new web.Request('http://a', { signal: controller.signal });
      const second = new web.Request(request);
      const clone = request.clone();
      const before = [request.signal.aborted, request.signal === request.signal, request.signal === controller.signal];
      controller.abort(new RangeError('gone'));
      return [before, request.signal.aborted, (request.signal.reason as Error).message, second.signal.aborted, clone.signal.aborted];
    },
    'a signal that nobody made': (web) => [
      new web.Request('http://a').signal.aborted,
      new web.Request('http://a').signal instanceof AbortSignal,
    ],
    'signal null cuts it off': (web) =>
      new web.Request(new web.Request('http://a', { signal: AbortSignal.abort() }), { signal: null }).signal.aborted,
    'header guard': (web) => {
      const request = new web.Request('http://a');
      request.headers.set('host', 'b');
      return list(request.headers);
    },
    keys: (web) => {
      const keys: string[] = [];
      for (const key in new web.Request('http://a')) if (!slips.includes(key)) keys.push(key);
      return keys.sort();
    },
  });
});
