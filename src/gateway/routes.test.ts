import { expect, test } from 'vitest';
import type { RouteEntry } from '../invoke/projection.ts';
import { responseHead } from './headers.ts';
import { childTrace, randomIds } from './ids.ts';
import { RouteTable } from './routes.ts';

let age = 0;
function route(name: string, changes: Partial<RouteEntry>): RouteEntry {
  return { kind: 'route', namespace: 'default', name, created: age++, hosts: [], methods: [], function: 'f', ...changes };
}

function table(...routes: RouteEntry[]): RouteTable {
  const made = new RouteTable();
  for (const one of routes) made.put(one);
  return made;
}

const named = (match: ReturnType<RouteTable['matchAny']>): unknown => (match && 'route' in match ? match.route.name : match?.allow);

test('exact before template before the longest prefix, whatever was there first', () => {
  const routes = table(
    route('all', { prefix: '/' }),
    route('short', { prefix: '/a' }),
    route('long', { prefix: '/a/b' }),
    route('template', { path: '/a/b/{id}' }),
    route('exact', { path: '/a/b/c' }),
  );
  const found = (path: string): unknown => named(routes.matchAny(path, 'GET'));
  expect(['/a/b/c', '/a/b/d', '/a/b/d/e', '/a/b', '/a/x', '/ab', '/'].map(found)).toEqual([
    'exact',
    'template',
    'long',
    'long',
    'short',
    'all',
    'all',
  ]);
});

test('of equals the oldest answers; a method that does not fit leaves it to the next', () => {
  const [older, younger] = [route('older', { path: '/x', methods: ['GET'] }), route('younger', { path: '/x', methods: ['GET', 'POST'] })];
  const routes = table(younger, older);
  expect(named(routes.matchAny('/x', 'GET'))).toBe('older');
  expect(named(routes.matchAny('/x', 'HEAD'))).toBe('older');
  expect(named(routes.matchAny('/x', 'POST'))).toBe('younger');
  expect(named(routes.matchAny('/x', 'PUT'))).toEqual(['GET', 'POST']);
  routes.delete('default/older');
  expect(named(routes.matchAny('/x', 'GET'))).toBe('younger');
});

test('hosts: the exact one, then the wildcard; others are not for them', () => {
  const routes = table(
    route('any', { path: '/' }),
    route('wild', { hosts: ['*.shop.example'], prefix: '/' }),
    route('exact', { hosts: ['a.shop.example', 'B.example'], path: '/' }),
  );
  const found = (host: string, path = '/'): unknown => named(routes.matchHost(host, path, 'GET'));
  expect([
    found('a.shop.example'),
    found('b.example'),
    found('c.shop.example'),
    found('a.shop.example', '/x'),
    found('shop.example'),
  ]).toEqual(['exact', 'exact', 'wild', 'wild', undefined]);
  expect(named(routes.matchAny('/', 'GET'))).toBe('any');
});

test('a template is no pattern: what it says is taken as it is', () => {
  const routes = table(route('dots', { path: '/v1.0/{a}/(x)' }));
  expect(named(routes.matchAny('/v1.0/7/(x)', 'GET'))).toBe('dots');
  expect(routes.matchAny('/v1x0/7/(x)', 'GET')).toBeUndefined();
  expect(routes.matchAny('/v1.0//(x)', 'GET')).toBeUndefined();
});

test('an answer of a function: hop-by-hop headers go, one length stays; what is no HTTP is refused', () => {
  const fields = 'Content-Length: 3\r\na: b\r\n';
  expect(responseHead('200\0Content-Length\x003\0connection\0x\0content-length\x004\0a\0b')).toEqual({
    status: 200,
    fields,
    length: '3',
    dated: false,
  });
  expect(responseHead('204\0Date\0now')).toEqual({ status: 204, fields: 'Date: now\r\n', length: undefined, dated: true });
  for (const bad of ['200\0a\0x\r\nset-cookie: y', '200\0a b\0c', '200\0\0c', '99', '100', 'x', '200.5']) {
    expect(() => responseHead(bad), bad).toThrow(/not valid HTTP/);
  }
});

test('ids do not repeat; a trace goes on only if it is one', () => {
  const ids = new Set(Array.from({ length: 1000 }, () => randomIds()));
  expect(ids.size).toBe(1000);
  const id = randomIds();
  expect(childTrace(undefined, id)).toBe(`00-${id.slice(0, 32)}-${id.slice(32)}-01`);
  expect(childTrace(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`, id)).toBe(`00-${'a'.repeat(32)}-${id.slice(32)}-00`);
  expect(childTrace(`00-${'0'.repeat(32)}-${'b'.repeat(16)}-00`, id)).toContain(id.slice(0, 32));
});
