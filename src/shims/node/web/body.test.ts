/** Bodies of our Request and Response against undici's: each kind, read in each way. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Classes, list, same, table } from './testing/compare.ts';

const bodies: Record<string, () => unknown> = {
  text: () => 'hällo \u{1F600}',
  'text with a byte order mark': () => '\uFEFFa',
  'lone surrogate': () => 'a\uD800b',
  empty: () => '',
  bytes: () => new Uint8Array([104, 105]),
  'invalid UTF-8': () => new Uint8Array([0xff, 0x61, 0xc3]),
  'bytes with a byte order mark': () => new Uint8Array([0xef, 0xbb, 0xbf, 0x61]),
  ArrayBuffer: () => new Uint8Array([1, 2, 3]).buffer,
  'a view of part': () => new Uint16Array(new Uint16Array([0x4141, 0x4242, 0x4343]).buffer, 2, 1),
  DataView: () => new DataView(new Uint8Array([65, 66]).buffer),
  Buffer: () => Buffer.from('buffer'),
  URLSearchParams: () => new URLSearchParams({ a: '1 2', b: 'ü' }),
  Blob: () => new Blob(['blob'], { type: 'Text/Plain' }),
  'Blob without type': () => new Blob(['blob']),
  stream: () => new Blob(['streamed']).stream(),
  'stream of text chunks': () => ReadableStream.from(['no', 'bytes']),
  'async generator': () =>
    (async function* () {
      yield Buffer.from('a');
      yield new Uint8Array();
      yield Buffer.from('b');
    })(),
  'async generator of text': () =>
    (async function* () {
      yield 'a';
      yield 'b';
    })(),
  'failing generator': () =>
    (async function* () {
      yield 'a';
      throw new RangeError('broken');
    })(),
  number: () => 42,
  object: () => ({ a: 1 }),
  null: () => null,
  undefined: () => undefined,
  symbol: () => Symbol('x'),
  'JSON text': () => '{"a":[1,2]}',
};
const readers: Record<string, (body: globalThis.Response) => unknown> = {
  text: (body) => body.text(),
  json: (body) => body.json(),
  bytes: async (body) => [...(await body.bytes()), 'Uint8Array'],
  arrayBuffer: async (body) => [...new Uint8Array(await body.arrayBuffer())],
  blob: async (body) => {
    const blob = await body.blob();
    return [blob.type, blob.size, await blob.text()];
  },
  'the stream': async (body) => (body.body ? Buffer.concat(await Array.fromAsync(body.body as never)).toString() : null),
  'a second time': async (body) => {
    await body.text();
    return [body.bodyUsed, body.body?.locked, await body.text()];
  },
  'after a clone': async (body) => {
    const clone = body.clone();
    return [await clone.text(), await body.text(), clone.bodyUsed];
  },
  'clone after use': async (body) => {
    await body.text();
    return body.clone();
  },
  'while locked': async (body) => {
    body.body?.getReader();
    return [body.bodyUsed, await body.text()];
  },
  'flags before and after': async (body) => {
    const before = [body.bodyUsed, body.body?.locked];
    const reading = body.text();
    const during = body.bodyUsed;
    await reading;
    return [before, during, body.bodyUsed, body.body?.locked];
  },
  'the stream is one object': (body) => [body.body === body.body, Object.prototype.toString.call(body.body)],
  'a cancelled stream': async (body) => {
    await body.body?.cancel();
    return [body.bodyUsed, await body.text()];
  },
  'with a BYOB reader': async (body) => {
    const reader = (body.body as ReadableStream<Uint8Array> | null)?.getReader({ mode: 'byob' });
    const parts: string[] = [];
    for (let step = await reader?.read(new Uint8Array(3)); step && !step.done; step = await reader?.read(new Uint8Array(3)))
      parts.push(Buffer.from(step.value).toString('hex'));
    return parts.join('');
  },
};

describe('bodies', () => {
  for (const [kind, make] of Object.entries(bodies)) {
    table(
      Object.fromEntries(
        Object.entries(readers).flatMap(([how, read]) => [
          [`Response of ${kind}: ${how}`, (web: Classes) => read(new web.Response(make() as never))],
          [
            `Request of ${kind}: ${how}`,
            (web: Classes) =>
              read(new web.Request('http://a/', { method: 'POST', body: make() as never, duplex: 'half' } as never) as never),
          ],
        ]),
      ),
    );
    table({
      [`Response of ${kind}: content-type`]: (web) => list(new web.Response(make() as never).headers),
      [`Request of ${kind}: content-type`]: (web) =>
        list(new web.Request('http://a', { method: 'POST', body: make() as never, duplex: 'half' } as never).headers),
      [`Request of ${kind} with keepalive`]: (web) =>
        new web.Request('http://a', { method: 'POST', body: make() as never, duplex: 'half', keepalive: true } as never).keepalive,
      [`Request of ${kind} without duplex`]: (web) => new web.Request('http://a', { method: 'POST', body: make() as never }).method,
    });
  }

  test('any bytes read as text the same', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), fc.string({ unit: 'binary' }), async (bytes, text) => {
        await same((web) => new web.Response(bytes as never).text());
        await same((web) => new web.Response(Buffer.from(bytes)).text());
        await same((web) => new web.Response(text).text());
        await same(async (web) => [...(await new web.Response(text).bytes())]);
      }),
    );
  });

  test('the bytes are copied when the response is made', async () => {
    await same((web) => {
      const bytes = new Uint8Array([97]);
      const response = new web.Response(bytes);
      bytes[0] = 98;
      return response.text();
    });
    expect.assertions(1);
  });

  table({
    'a form comes out as it went in': async (web) => {
      const form = new web.FormData();
      form.append('a', '1');
      form.append('a "b"\n', 'ä\nö');
      form.append('file', new File(['content'], 'n"ame.txt', { type: 'text/x' }));
      const parsed = await new web.Response(form as never).formData();
      const entries: unknown[] = [];
      for (const [name, value] of parsed)
        entries.push([name, typeof value === 'string' ? value : [value.name, value.type, await value.text()]]);
      return entries;
    },
    'the type of a form': (web) => new web.Response(new web.FormData()).headers.get('content-type')!.replace(/-+formdata.*/, 'B'),
    'a URL-encoded form': async (web) => [
      ...(await new web.Request('http://a', { method: 'POST', body: new URLSearchParams('a=1&a=2&b=%C3%BC') as never }).formData()),
    ],
    'no form at all': (web) => new web.Response('x').formData(),
    'broken multipart': (web) => new web.Response('x', { headers: { 'content-type': 'multipart/form-data; boundary=a' } }).formData(),
    'blob of another type': async (web) =>
      (await new web.Response('x', { headers: { 'content-type': 'Text/HTML; Charset="utf-8"' } }).blob()).type,
    'blob of a bad type': async (web) => (await new web.Response('x', { headers: { 'content-type': 'nonsense' } }).blob()).type,
    'a locked stream is refused': (web) => {
      const stream = new Blob(['a']).stream();
      stream.getReader();
      return new web.Response(stream).status;
    },
    'a disturbed stream is refused': async (web) => {
      const stream = new Blob(['a']).stream();
      await stream.cancel();
      return new web.Response(stream).status;
    },
  });
});
