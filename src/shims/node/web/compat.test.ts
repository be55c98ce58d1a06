/* oxlint-disable typescript/unbound-method -- members are looked at, not called */
/**
 * Our Request, Headers and Response against undici's: the same calls on both, the same outcome: value, error class, enumerability.
 * Where undici leaves the standard, the case says so.
 */
import * as fc from 'fast-check';
import * as undici from 'undici';
import { describe, expect, test } from 'vitest';
import { Headers } from './headers.ts';
import { Request } from './request.ts';
import { Response } from './response.ts';

interface Classes {
  readonly Headers: typeof globalThis.Headers;
  readonly Request: typeof globalThis.Request;
  readonly Response: typeof globalThis.Response;
  readonly FormData: typeof globalThis.FormData;
}
const ours = { Headers, Request, Response, FormData } as unknown as Classes;
const theirs = undici as unknown as Classes;

type Outcome = { value: unknown } | { error: string };

/** What a piece of code does with these classes, in a form that can be compared. */
async function outcome(act: (web: Classes) => unknown, web: Classes): Promise<Outcome> {
  try {
    return { value: await act(web) };
  } catch (error) {
    return { error: (error as Error).constructor.name };
  }
}

async function same(act: (web: Classes) => unknown): Promise<void> {
  const [mine, expected] = [await outcome(act, ours), await outcome(act, theirs)];
  expect(mine).toEqual(expected);
}

/** A table: name -> what is done. */
function table(cases: Record<string, (web: Classes) => unknown>): void {
  for (const [name, act] of Object.entries(cases)) {
    test(name, async () => {
      await same(act);
      expect.assertions(1);
    });
  }
}

const list = (headers: globalThis.Headers): unknown => [...headers];
const everything = (request: globalThis.Request): Record<string, unknown> => {
  const all: Record<string, unknown> = { headers: list(request.headers), aborted: request.signal.aborted, body: request.body === null };
  const { method, url, destination, referrer, referrerPolicy, mode, credentials, cache, redirect, integrity, keepalive, duplex, bodyUsed } =
    request;
  return Object.assign(all, {
    method,
    url,
    destination,
    referrer,
    referrerPolicy,
    mode,
    credentials,
    cache,
    redirect,
    integrity,
    keepalive,
    duplex,
    bodyUsed,
  });
};
const whole = async (response: globalThis.Response): Promise<Record<string, unknown>> => {
  const { status, statusText, ok, redirected, type, url, bodyUsed } = response;
  return {
    status,
    statusText,
    ok,
    redirected,
    type,
    url,
    bodyUsed,
    headers: list(response.headers),
    body: response.body === null,
    text: await response.text(),
    after: response.bodyUsed,
  };
};

/** A property of undici's prototype that holds nothing and that the standard does not know. */
const slips = ['attribute'];

describe('shape', () => {
  for (const name of ['Headers', 'Request', 'Response'] as const) {
    test(`${name} has every member of undici's, as enumerable and of the same length`, () => {
      const members = (type: object, skip: readonly string[]): unknown =>
        Object.fromEntries(
          Object.entries(Object.getOwnPropertyDescriptors(type))
            .filter(([key]) => !skip.includes(key))
            .map(([key, { enumerable, get, value }]) => [
              key,
              { enumerable, getter: get !== undefined, length: typeof value === 'function' ? value.length : undefined },
            ])
            .sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1)),
        );
      expect(members(ours[name].prototype, ['constructor', ...slips])).toEqual(members(theirs[name].prototype, ['constructor', ...slips]));
      expect(members(ours[name], ['prototype', 'name'])).toEqual(members(theirs[name], ['prototype', 'name']));
      expect(Object.prototype.toString.call(ours[name].prototype)).toBe(Object.prototype.toString.call(theirs[name].prototype));
    });

    test(`${name}'s members refuse foreign objects`, async () => {
      for (const [key, { get, value }] of Object.entries(Object.getOwnPropertyDescriptors(ours[name].prototype)) as [
        string,
        PropertyDescriptor,
      ][]) {
        if (key === 'constructor') continue;
        const member = (get ?? value) as (...args: unknown[]) => unknown;
        if (['text', 'json', 'bytes', 'arrayBuffer', 'blob', 'formData'].includes(key)) {
          await expect(member.call({})).rejects.toThrow(TypeError);
        } else expect(() => member.call({}, 'a', 'b'), key).toThrow(TypeError);
      }
    });
  }
});

const token = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,8}$/);
const anyName = fc.oneof(
  token,
  fc.string({ maxLength: 4 }),
  fc.constantFrom('set-cookie', 'Set-Cookie', 'cookie', 'Content-Type', 'accept', 'ACCEPT'),
);
const anyValue = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.constantFrom(' a ', '\ta\n', 'a\nb', '', 'ü', 'a\0', '\x7f', '\u3042'),
);
const operation = fc.record({ act: fc.constantFrom('append', 'set', 'delete', 'get', 'has'), name: anyName, value: anyValue });

describe('Headers', () => {
  test('does the same as undici under any sequence of operations', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 20 }), async (operations) => {
        await same((web) => {
          const headers = new web.Headers();
          const results = operations.map(({ act, name, value }) => {
            try {
              return (headers as unknown as Record<string, (...args: string[]) => unknown>)[act]!(
                ...(act === 'append' || act === 'set' ? [name, value] : [name]),
              );
            } catch (error) {
              return (error as Error).constructor.name;
            }
          });
          return {
            results,
            list: list(headers),
            cookies: headers.getSetCookie(),
            keys: [...headers.keys()],
            values: [...headers.values()],
          };
        });
      }),
      { numRuns: 300 },
    );
  });

  test('is made from any record or sequence as undici makes it', async () => {
    const pairs = fc.array(fc.array(fc.oneof(anyName, anyValue), { minLength: 1, maxLength: 3 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.dictionary(anyName, anyValue), pairs, fc.anything()), async (init) => {
        await same((web) => list(new web.Headers(init as never)));
      }),
      { numRuns: 500 },
    );
  });

  table({
    'no argument': (web) => list(new web.Headers()),
    null: (web) => list(new web.Headers(null as never)),
    'a string': (web) => list(new web.Headers('a' as never)),
    'other Headers, with their cookies': (web) => {
      const headers = new web.Headers([
        ['set-cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
        ['X', 'y'],
      ]);
      const copy = new web.Headers(headers);
      headers.append('set-cookie', 'c');
      return [list(copy), copy.getSetCookie(), headers.getSetCookie()];
    },
    'a Map': (web) => list(new web.Headers(new Map([['a', 'b']]) as never)),
    'a generator of pairs': (web) =>
      list(
        new web.Headers(
          (function* () {
            yield ['a', 'b'];
            yield new Set(['c', 'd']);
          })() as never,
        ),
      ),
    'pairs of text are refused': (web) => list(new web.Headers(['ab'] as never)),
    'values become text': (web) => list(new web.Headers({ a: 1, b: null, c: undefined, d: true } as never)),
    'a symbol as value': (web) => list(new web.Headers({ a: Symbol('x') } as never)),
    'a symbol as key': (web) => list(new web.Headers({ [Symbol('x')]: 'a' })),
    'an iterator is live': (web) => {
      const headers = new web.Headers({ b: '1', d: '2' });
      const seen: string[] = [];
      for (const [name] of headers) {
        seen.push(name);
        if (seen.length === 1) headers.set('c', '3');
        if (seen.length > 10) break;
      }
      return seen;
    },
    'the iterator has its own prototype': (web) => {
      const iterator = new web.Headers({ a: 'b' }).entries();
      return [
        Object.prototype.toString.call(iterator),
        iterator[Symbol.iterator]() === iterator,
        typeof iterator.next,
        iterator.next(),
        iterator.next(),
        iterator.next(),
      ];
    },
    'entries are copies': (web) => {
      const headers = new web.Headers({ a: 'b' });
      const [pair] = [...headers];
      pair![1] = 'changed';
      return list(headers);
    },
    'Symbol.iterator is entries': (web) => web.Headers.prototype[Symbol.iterator] === web.Headers.prototype.entries,
    forEach: (web) => {
      const seen: unknown[] = [];
      const headers = new web.Headers({ b: '1', a: '2' });
      headers.forEach(function (this: unknown, value, name, owner) {
        seen.push(this, value, name, owner === headers);
      }, 'me');
      return seen;
    },
    'forEach without a function': (web) => new web.Headers().forEach('x' as never),
    'forEach without argument': (web) => (new web.Headers().forEach as () => void)(),
    'get without argument': (web) => (new web.Headers() as unknown as { get: () => void }).get(),
    'append with one argument': (web) => (new web.Headers() as unknown as { append: (name: string) => void }).append('a'),
    'delete tells nothing': (web) => new web.Headers({ a: 'b' }).delete('a'),
    'setting cookies replaces them all': (web) => {
      const headers = new web.Headers([
        ['set-cookie', 'a'],
        ['set-cookie', 'b'],
      ]);
      headers.set('Set-Cookie', 'c');
      return [headers.getSetCookie(), headers.get('set-cookie')];
    },
    'deleted cookies are gone': (web) => {
      const headers = new web.Headers([
        ['set-cookie', 'a'],
        ['b', 'c'],
      ]);
      headers.delete('set-cookie');
      return [headers.getSetCookie(), list(headers)];
    },
    'is it callable without new': (web) => (web.Headers as unknown as () => void)(),
  });
});

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
        fc.oneof(fc.integer({ min: 100, max: 700 }), fc.anything({ maxDepth: 0 })),
        fc.oneof(fc.string(), fc.string({ unit: 'binary' })),
        async (status, statusText) => {
          await same((web) => whole(new web.Response('a', { status, statusText } as never)));
        },
      ),
      { numRuns: 300 },
    );
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
