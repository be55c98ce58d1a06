/** Requests to a Kubernetes API that nobody means well with: made from good ones by breaking some part. */
import type { Random } from './random.ts';

export interface ApiCase {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

type Json = Record<string, unknown>;

const long = (text: string, size: number): string => text.repeat(Math.ceil(size / text.length));
const nested = (depth: number, open: string, close: string): string => open.repeat(depth) + close.repeat(depth);

const good: Readonly<Record<string, { readonly path: string; readonly object: Json }>> = {
  configMap: {
    path: '/api/v1/namespaces/default/configmaps',
    object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'hostile', labels: { a: 'b' } }, data: { k: 'v' } },
  },
  secret: {
    path: '/api/v1/namespaces/default/secrets',
    object: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'hostile' }, type: 'Opaque', data: { k: 'dg==' } },
  },
  namespace: { path: '/api/v1/namespaces', object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'hostile-namespace' } } },
  lease: {
    path: '/apis/coordination.k8s.io/v1/namespaces/default/leases',
    object: {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'hostile' },
      spec: { holderIdentity: 'x', leaseDurationSeconds: 10, renewTime: '2026-01-01T00:00:00.000000Z' },
    },
  },
  pod: {
    path: '/api/v1/namespaces/default/pods',
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'hostile', annotations: { x: 'y' }, finalizers: ['a.b/c'] },
      spec: {
        nodeName: 'nowhere',
        containers: [{ name: 'c', image: 'nothing', command: ['true'], env: [{ name: 'A', value: 'b' }], ports: [{ containerPort: 80 }] }],
      },
    },
  },
};

/** Of ours: on a real cluster they are custom resources. */
const own: typeof good = {
  function: {
    path: '/apis/tsumugi.dev/v1/namespaces/default/functions',
    object: {
      apiVersion: 'tsumugi.dev/v1',
      kind: 'Function',
      metadata: { name: 'hostile' },
      spec: { source: { inline: 'export default () => 1' }, runtime: 'nothing', env: [{ name: 'A', value: 'b' }], timeoutSeconds: 5 },
    },
  },
  route: {
    path: '/apis/tsumugi.dev/v1/namespaces/default/routes',
    object: {
      apiVersion: 'tsumugi.dev/v1',
      kind: 'Route',
      metadata: { name: 'hostile' },
      spec: { match: { path: '/hostile/{x}', methods: ['GET'] }, backend: { function: 'nothing' } },
    },
  },
};

/** Values that stand where another was expected. Raw JSON, since some of it no object can say. */
const values: readonly string[] = [
  'null',
  '-1',
  '1e308',
  '1e999',
  '9007199254740993',
  '0.5',
  'true',
  '""',
  '[]',
  '{}',
  '[null]',
  '[[[]]]',
  '"-"',
  '"../../etc/passwd"',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udfff\\ud800"',
  '"\u202e\u{1f4a3}"',
  '"%2e%2e%2f"',
  '"a\\nb: c"',
  '"__proto__"',
  '"constructor"',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"toString":null,"valueOf":1,"hasOwnProperty":"x"}',
  '[{"name":"x"},{"name":"x"},null,1]',
  `"${long('x', 5000)}"`,
  nested(60, '[', ']'),
  nested(5000, '[', ']'),
  `${'{"a":'.repeat(60)}1${'}'.repeat(60)}`,
  `${'{"a":'.repeat(12_000)}1${'}'.repeat(12_000)}`,
];

const names = [
  'hostile',
  '%2e%2e',
  '..',
  '.',
  'a%2fb',
  '%00',
  'x%00y',
  '%ff',
  '%',
  'A',
  '__proto__',
  'constructor',
  'toString',
  long('n', 300),
  'a%20b',
  '%e2%80%ae',
];
const subresources = [
  '',
  '',
  '',
  '',
  '/status',
  '/log',
  '/exec',
  '/scale',
  '/binding',
  '/x',
  '/token',
  '/eviction',
  '/attach',
  '/portforward',
  '/proxy',
  '//',
  '/..',
];
const methods = ['GET', 'GET', 'POST', 'POST', 'PUT', 'PATCH', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND'];
const types = [
  'application/json',
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'text/plain',
  '',
  'application/json; charset=utf-7',
  'a/b/c',
  ';;;',
  'multipart/form-data; boundary=x',
];
const patchTypes = types.slice(4, 8);
const queries: readonly (readonly [string, readonly string[]])[] = [
  ['limit', ['-1', '0', '1', '99999999999999999999', 'x', '1e3', '']],
  [
    'continue',
    [
      'x',
      long('A', 20_000),
      'eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEsInN0YXJ0IjoiLi4ifQ',
      'WzEsMCwiIiwiIl0',
      'WzEsMWU5OSwiIiwiIl0',
      '%00',
      'bnVsbA',
    ],
  ],
  [
    'labelSelector',
    [
      'a in (',
      'a=b,,c',
      ')(',
      'x in ()',
      '!',
      '!!a',
      long('a,', 20_000),
      long('a in (b),', 9000),
      '%00=x',
      'a>9999999999999999999999',
      'constructor',
      '__proto__=x',
    ],
  ],
  [
    'fieldSelector',
    ['metadata.name', 'a=b', 'metadata.name=a,metadata.name!=a', '__proto__=x', long('metadata.name!=x,', 20_000), '\\', '=', 'a\\'],
  ],
  ['resourceVersion', ['-1', 'x', '99999999999', '1e5', '0', '']],
  ['resourceVersionMatch', ['Exact', 'NotOlderThan', 'x']],
  ['fieldManager', ['', long('m', 200), '%00', '\u{1f4a3}'.repeat(40)]],
  ['fieldValidation', ['Strict', 'Warn', 'Ignore', 'x']],
  ['dryRun', ['All', 'x', '']],
  ['force', ['true', 'x']],
  ['gracePeriodSeconds', ['-1', 'x', '0', '99999999999999999999']],
  ['propagationPolicy', ['Orphan', 'x']],
  ['pretty', ['true', 'x']],
  ['timeoutSeconds', ['1', '-1', 'x']],
  ['__proto__', ['x']],
];

/** Paths of all values in an object. */
function placesOf(value: unknown, at: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [at];
  const inner = Object.entries(value).flatMap(([key, each]) => placesOf(each, [...at, Array.isArray(value) ? Number(key) : key]));
  return at.length === 0 ? inner : [at, ...inner];
}

/** The object as JSON with one value, or a new field beside it, replaced by raw text. */
function broken(random: Random, object: Json): string {
  const mark = 'b4d0f00d';
  const copy = structuredClone(object);
  const place = random.of(placesOf(copy));
  let parent = copy as Record<string | number, unknown>;
  for (const key of place.slice(0, -1)) parent = parent[key] as Record<string | number, unknown>;
  const last = place.at(-1) as string | number;
  const key = random.once(5) ? random.of(['__proto__', 'constructor', 'unknown', '', 'toString', long('k', 400)]) : last;
  // As data, also where the name is __proto__.
  Object.defineProperty(parent, key, { value: mark, enumerable: true, configurable: true, writable: true });
  return JSON.stringify(copy).replace(`"${mark}"`, () => random.of(values));
}

const operations = ['add', 'replace', 'remove', 'move', 'copy', 'test', 'x'];
const pointers = [
  '',
  '/',
  '/metadata/name',
  '/data',
  '/data/-',
  '/metadata/labels/a',
  '/__proto__/x',
  '/constructor/prototype/x',
  '/a~2b',
  'x',
  '/metadata',
  '/spec',
  '/data/0',
  long('/a', 3000),
];

function jsonPatch(random: Random): string {
  const all = Array.from({ length: 1 + random.int(4) }, () => {
    const value = random.of(values);
    return `{"op":"${random.of(operations)}","path":"${random.of(pointers)}","from":"${random.of(pointers)}"${random.once(4) ? '' : `,"value":${value}`}}`;
  });
  return random.once(6) ? random.of(values) : `[${all.join()}]`;
}

/** Bytes flipped, cut, repeated. */
function mangled(random: Random, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  switch (random.int(5)) {
    case 0:
      return copy.subarray(0, random.int(copy.length + 1));
    case 1:
      for (let i = 0; i < 3 && copy.length > 0; i++) copy[random.int(copy.length)] = random.int(256);
      return copy;
    case 2:
      return Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), copy]);
    case 3:
      return Buffer.concat([copy, copy]);
    default: {
      const at = random.int(copy.length + 1);
      return Buffer.concat([
        copy.subarray(0, at),
        random.of([Buffer.from([0xc3, 0x28]), Buffer.from([0]), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('\ufffe')]),
        copy.subarray(at),
      ]);
    }
  }
}

const yamls: readonly string[] = [
  `a: &a [${long('x,', 20)}]\n${Array.from({ length: 12 }, (_, i) => `b${i}: &b${i} [${long(`*${i === 0 ? 'a' : `b${i - 1}`},`, 24)}]`).join('\n')}\n`,
  'a: &a\n  b: *a\n',
  '!!js/function "function(){}"',
  '? [1, 2]\n: x',
  nested(9000, '[', ']'),
  nested(9000, '{a: ', '}'),
  '%YAML 9.9\n---\nx',
  'a: 1\n---\nb: 2\n',
  '<<: {a: 1}\nx: *nothing',
  '\u0000',
  'a: !!binary "!!!"\nb: !!timestamp x\nc: 0o17\nd: .nan\ne: 12e03\nf: 0x_1',
  '- a\n- b',
  'key: |\n\tx',
  '',
];

function bodyOf(random: Random, method: string, type: string, object: Json): Buffer {
  let body: Buffer;
  if (type === 'application/json-patch+json') body = Buffer.from(jsonPatch(random));
  else if (/yaml/.test(type) && random.once(2)) body = Buffer.from(random.of(yamls));
  else if (/protobuf/.test(type))
    body = Buffer.concat([
      Buffer.from(random.once(3) ? '' : 'k8s\0'),
      Buffer.from(Array.from({ length: random.int(80) }, () => random.int(256))),
    ]);
  else if (method === 'DELETE' && random.once(2))
    body = Buffer.from(
      random.of([
        '{"kind":"DeleteOptions","apiVersion":"v1","preconditions":1}',
        '{"gracePeriodSeconds":"x"}',
        '{"propagationPolicy":[]}',
        '{"dryRun":"All"}',
        '[]',
        'null',
        '{"preconditions":{"uid":{}}}',
      ]),
    );
  else body = Buffer.from(broken(random, object));
  return random.once(5) ? mangled(random, body) : body;
}

/** One request. `all` has our own kinds, too. */
export function apiCase(random: Random, all: boolean): ApiCase {
  const kinds = Object.values(all ? { ...good, ...own } : good);
  const { path: collection, object } = random.of(kinds);
  const method = random.of(methods);
  const onName = method === 'POST' ? random.once(8) : !random.once(4);
  let path = onName ? `${collection}/${random.once(3) ? random.of(names) : 'hostile'}${random.of(subresources)}` : collection;
  if (random.once(8))
    path = path.replace(random.of(['/', 'default', 'v1', '/api']), () =>
      random.of(['//', '/../', '/%2e%2e/', '/./', 'x', '\\', '%', '/%2f/', '/;a=b/', '/%00/']),
    );
  const asked: string[] = [];
  while (random.once(2) && asked.length < 4) {
    const [name, some] = random.of(queries);
    const value = random.of(some);
    asked.push(`${name}=${random.once(6) || /%/.test(value) ? value.replaceAll(/[^!-~]/gu, '') : encodeURIComponent(value)}`);
  }
  // A watch without an end would be no case but a wait.
  if (random.once(12)) asked.push('watch=true', 'timeoutSeconds=1');
  const query = asked.length > 0 ? `?${asked.join('&')}` : '';
  const headers: Record<string, string> = {
    accept: random.once(6)
      ? random.of(['*/*', 'text/html', 'application/json;as=Table;v=v1;g=meta.k8s.io', 'application/vnd.kubernetes.protobuf', 'x', ''])
      : 'application/json',
  };
  // What cannot be read is answered with a body, HEAD or not, which a client of HEAD takes for something else.
  if (method === 'HEAD' && !path.startsWith('/')) return { method: 'GET', path: path + query, headers };
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'TRACE') return { method, path: path + query, headers };
  const type = method === 'PATCH' && !random.once(4) ? random.of(patchTypes) : random.once(3) ? random.of(types) : 'application/json';
  if (type !== '') headers['content-type'] = type;
  if (random.once(30)) headers['content-encoding'] = random.of(['gzip', 'deflate', 'br', 'x']);
  const body = method === 'DELETE' && random.once(2) ? undefined : bodyOf(random, method, type, object);
  return { method, path: path + query, headers, ...(body && { body }) };
}
