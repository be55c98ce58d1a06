import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { functionKind } from '../../resources/function.ts';
import type { KindDefinition } from '../../resources/kind.ts';
import { kindFor } from '../../resources/kinds.ts';
import { ApiError } from '../../resources/object.ts';
import { decodeBody } from './decode.ts';
import { duplicateFields } from './json-scan.ts';
import { askedKind } from './questions.ts';
import { type KindLookup, type ResourcePath, resourcePath } from './route.ts';

const kind = (plural: string): KindDefinition => kindFor('', 'v1', plural) as KindDefinition;
const configMaps = kind('configmaps');
const decode = (body: string | Uint8Array, type = 'application/json', wanted: KindDefinition = configMaps): ReturnType<typeof decodeBody> =>
  decodeBody(Buffer.from(body), type, wanted);

function refusal(body: string | Uint8Array, type?: string, wanted?: KindDefinition): ApiError {
  try {
    decode(body, type, wanted);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('was taken');
}

const start = 'the object provided is unrecognized (must be of type ConfigMap): ';
const parse = `${start}couldn't get version/kind; json parse error: `;

describe('JSON', () => {
  test.each([
    ['', `${parse}unexpected end of JSON input (<empty>)`],
    ['{"a":', `${parse}unexpected end of JSON input ({"a":)`],
    ['hello', `${parse}invalid character 'h' looking for beginning of value (68656c6c6f)`],
    [
      '{"apiVersion":"v1","kind":"ConfigMap"} {}',
      `${parse}invalid character '{' after top-level value ({"apiVersion":"v1","kind":"Con ...)`,
    ],
    ['{"a":1 "b"}', `${parse}invalid character '"' after object key:value pair ({"a":1 "b"})`],
    ['{"a" 1}', `${parse}invalid character '1' after object key ({"a" 1})`],
    ['{a:1}', `${parse}invalid character 'a' looking for beginning of object key string ({a:1})`],
    ['[1 2]', `${parse}invalid character '2' after array element (5b3120325d)`],
    ['{"a":"\\x"}', `${parse}invalid character 'x' in string escape code ({"a":"\\x"})`],
    [
      '[]',
      `${parse}json: cannot unmarshal array into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" } (5b5d)`,
    ],
    [
      '{"apiVersion":1,"kind":2}',
      `${parse}json: cannot unmarshal number into Go struct field .apiVersion of type string ({"apiVersion":1,"kind":2})`,
    ],
    [
      '{"apiVersion":"v1","kind":"Secret"}',
      'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion',
    ],
    [
      '{"apiVersion":"v2","kind":"ConfigMap"}',
      'ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version "v2" in scheme "pkg/runtime/scheme.go:111"',
    ],
  ])('refuses %j as the server does', (body, message) => {
    expect(refusal(body)).toMatchObject({ code: 400, reason: 'BadRequest', message });
  });

  test('finds what stands twice, at any depth; the last one counts', () => {
    const { object, duplicates } = decode(
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","name":"y"},"data":{"a":"b","a":"c"},"l":[{"q":1},{"r":1,"r":2}],"kind":"ConfigMap"}',
    );
    expect(duplicates.paths).toEqual(['metadata.name', 'data.a', 'l[1].r', 'kind']);
    expect(object).toMatchObject({ metadata: { name: 'y' }, data: { a: 'c' } });
  });

  test('a built-in kind need not say what it is, null is an empty object', () => {
    expect(decode('{"metadata":{"name":"x"}}').object).toEqual({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } });
    expect(decode('null').object).toEqual({ apiVersion: 'v1', kind: 'ConfigMap', metadata: {} });
  });

  test('a custom kind must', () => {
    const body = '{"apiVersion":"tsumugi.dev/v1","metadata":{"name":"x"}}';
    expect(refusal(body, 'application/json', functionKind).message).toBe(
      `the object provided is unrecognized (must be of type Function): Object 'Kind' is missing in '${body}' (${body.slice(0, 30)} ...)`,
    );
    expect(refusal('{"kind":"Function"}', 'application/json', functionKind).message).toBe(
      'the API version in the data () does not match the expected API version (tsumugi.dev/v1)',
    );
    expect(refusal('{"apiVersion":"tsumugi.dev/v1","kind":"Foo","metadata":{"name":"x"}}', 'application/json', functionKind)).toMatchObject(
      {
        code: 422,
        message: 'Foo.tsumugi.dev "x" is invalid: kind: Invalid value: "Foo": must be Function',
      },
    );
  });

  test('keys of Object.prototype stay keys', () => {
    const { object } = decode('{"data":{"__proto__":"b"},"__proto__":{"x":1}}');
    expect(JSON.stringify(object)).toContain('"data":{"__proto__":"b"}');
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
  });

  test('what nests without end is refused, not run into', () => {
    expect(refusal('['.repeat(1_000_000)).code).toBe(400);
    expect(refusal(`{"a":${'['.repeat(2000)}${']'.repeat(2000)}}`).message).toContain('exceeded max depth');
  });

  test('agrees with JSON.parse on what is JSON', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        expect(duplicateFields(text)).toEqual([]);
      }),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc
            .tuple(fc.json(), fc.nat(), fc.constantFrom('', ',', '"', '}', ']', ':', '1', '\\'))
            .map(([json, at, more]) => json.slice(0, at % (json.length + 1)) + more),
        ),
        (text) => {
          let isJson = true;
          try {
            JSON.parse(text);
          } catch {
            isJson = false;
          }
          if (isJson) expect(() => duplicateFields(text)).not.toThrow();
          else expect(() => duplicateFields(text)).toThrow(SyntaxError);
        },
      ),
    );
  });
});

describe('YAML', () => {
  const yaml = (text: string): ReturnType<typeof decodeBody> => decode(text, 'application/yaml');

  test('is YAML 1.1, without dates; only the first document counts', () => {
    const { object } = yaml(
      'kind: ConfigMap\nmetadata: {name: x}\ndata: {a: yes, b: 0x10, c: 2026-01-01, d: "yes", e: 1.5, f: ~}\n---\nkind: Secret\n',
    );
    expect(object).toMatchObject({ data: { a: true, b: 16, c: '2026-01-01', d: 'yes', e: 1.5, f: null } });
  });

  test('finds what stands twice', () => {
    expect(yaml('metadata:\n  name: a\n  name: b\ndata: {x: a, x: b}\n').duplicates.paths).toEqual(['metadata.name', 'data.x']);
  });

  test('anchors and merges', () => {
    expect(yaml('base: &b {a: x}\ndata: {<<: *b, c: d}\nmore: *b\n').object).toMatchObject({ data: { a: 'x', c: 'd' }, more: { a: 'x' } });
  });

  test('refuses what is none, bombs and bottomless pits', () => {
    expect(refusal('a: b: c', 'application/yaml').message).toMatch(
      /^the object provided is unrecognized \(must be of type ConfigMap\): yaml: .* \(613a20623a2063\)$/,
    );
    expect(refusal('hello', 'application/yaml').message).toContain('cannot unmarshal string into Go value');
    const bomb = [
      'a0: &a0 [x,x,x,x,x,x,x,x,x,x]',
      ...Array.from({ length: 9 }, (_, at) => `a${at + 1}: &a${at + 1} [${`*a${at},`.repeat(10).slice(0, -1)}]`),
    ].join('\n');
    expect(refusal(bomb, 'application/yaml').code).toBe(400);
    expect(refusal('['.repeat(100_000), 'application/yaml').code).toBe(400);
  });
});

describe('protobuf', () => {
  interface Sent {
    readonly command: string;
    readonly request: string;
    readonly contentType: string;
    readonly body: string;
  }
  const sent = (JSON.parse(readFileSync(new URL('testing/kubectl-bodies.json', import.meta.url), 'utf8')) as Sent[]).filter(
    ({ contentType }) => contentType.includes('protobuf'),
  );
  const served: KindLookup = { kindOf: ({ group, version, plural }) => kindFor(group, version, plural) };
  const tokenRequest = (spec: object): object => ({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec });
  const access = (spec: object): object => ({ apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', metadata: {}, spec });
  const expected: Readonly<Record<string, object>> = {
    'create configmap a': {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', namespace: 'default' },
      data: { empty: '', k: 'v', uni: '紬' },
    },
    'create configmap b': {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'b', namespace: 'default' },
      binaryData: { bin: '/wAB' },
    },
    'create configmap d': { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'd', namespace: 'default' }, data: { k: 'v' } },
    'create secret generic a': {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'a', namespace: 'default' },
      data: { k: 'dg==' },
      type: 'foo',
    },
    'create secret generic c': { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'c', namespace: 'default' } },
    'create namespace a': { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' }, spec: {}, status: {} },
    'create serviceaccount s': { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 's', namespace: 'default' } },
    'create token s2 -n default --duration': tokenRequest({ audiences: ['a', 'b'], expirationSeconds: 600 }),
    'create token s2 -n default --bound': tokenRequest({ boundObjectRef: { kind: 'Secret', apiVersion: 'v1', name: 'zz', uid: 'q' } }),
    'auth whoami': { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', metadata: {} },
    'auth can-i get pods/log': access({
      resourceAttributes: { namespace: 'default', verb: 'get', resource: 'pods', name: 'log' },
    }),
    'auth can-i get /api': access({ nonResourceAttributes: { path: '/api', verb: 'get' } }),
    'auth can-i create functions': access({
      resourceAttributes: { verb: 'create', group: 'tsumugi.dev', resource: 'functions', name: 'x' },
    }),
    'auth can-i --list': {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectRulesReview',
      metadata: {},
      spec: { namespace: 'default' },
    },
  };

  test.each(sent.map((each) => [each.command, each] as const))('%s', (command, { body, contentType, request }) => {
    const wanted = Object.entries(expected).find(([start]) => command.includes(`: ${start}`))?.[1];
    const asked = resourcePath(request.split(/[ ?]/)[1] as string, served) as ResourcePath;
    expect(decodeBody(Buffer.from(body, 'base64'), contentType, askedKind(asked) ?? asked.kind).object).toEqual(wanted);
  });

  test('covers kubectl 1.32 and 1.36', () => expect(sent.filter(({ command }) => /^kubectl 1\.3(2|6)/.test(command))).toHaveLength(28));

  test('bytes that are none, cut or of another kind are refused', () => {
    const type = 'application/vnd.kubernetes.protobuf';
    const bytes = Buffer.from(sent[0]?.body as string, 'base64');
    expect(refusal('x', type).message).toContain('expected prefix [107 56 115 0]');
    expect(refusal(bytes, type, kind('secrets')).message).toContain('converting (v1.ConfigMap) to (core.Secret)');
    expect(refusal(bytes, type, functionKind).code).toBe(415);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
        const broken = Buffer.from(bytes);
        broken[at] = byte;
        try {
          decode(broken, type);
          decode(bytes.subarray(0, at), type);
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
        }
      }),
    );
  });
});

test('other content types are refused', () => {
  expect(refusal('x', 'text/plain')).toMatchObject({ code: 415, reason: 'UnsupportedMediaType' });
  expect(decode('{}', 'application/json; charset=utf-8').duplicates.paths).toEqual([]);
});
