/** Our Headers against undici's. */
import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import { list, same, table } from './testing/compare.ts';

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
