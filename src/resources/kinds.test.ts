import { describe, expect, test } from 'vitest';
import type { ConfigMap } from './builtin/configmap.ts';
import type { Secret } from './builtin/secret.ts';
import { check, defaulted, kindFor, prune, typeError, unknownFields } from './kinds.ts';
import type { KindDefinition } from './kind.ts';
import type { KubeObject } from './object.ts';

const kind = (plural: string): KindDefinition => kindFor('', 'v1', plural) as KindDefinition;
const configMap = (more: object, metadata: object = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'x', ...metadata },
  ...more,
});
const secret = (more: object): Secret => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' }, ...more });
const said = (plural: string, object: KubeObject, old?: KubeObject): string[] =>
  check(kind(plural), object, old).map(({ field, message }) => `${field}: ${message}`);

describe('ConfigMap', () => {
  test('an empty map, an empty list and a null are as if absent', () => {
    const read = defaulted(kind('configmaps'), configMap({ data: {}, immutable: null }, { labels: {}, annotations: null, finalizers: [] }));
    expect(read).toEqual({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } });
  });

  test('keys are file names, and stand in one of the two maps', () => {
    const errors = said('configmaps', configMap({ data: { 'a b': '', '..': '', '..x': '', both: '' }, binaryData: { both: '' } }));
    expect(errors).toHaveLength(4);
    expect(errors[0]).toMatch(/^data\[a b\]: Invalid value: "a b": a valid config key must consist of/);
    expect(errors.slice(1)).toEqual([
      'data[..]: Invalid value: "..": must not be \'..\'',
      'data[..x]: Invalid value: "..x": must not start with \'..\'',
      'data[both]: Invalid value: "both": duplicate of key present in binaryData',
    ]);
  });

  test('an immutable one keeps what it holds', () => {
    const old = configMap({ data: { a: 'b' }, immutable: true });
    expect(said('configmaps', configMap({ data: { a: 'c' } }), old)).toEqual([
      'immutable: Forbidden: field is immutable when `immutable` is set',
      'data: Forbidden: field is immutable when `immutable` is set',
    ]);
    expect(said('configmaps', old, old)).toEqual([]);
  });

  test('more than 1 MiB is too long', () => {
    expect(said('configmaps', configMap({ data: { a: 'x'.repeat(2 ** 20 + 1) } }))).toEqual([
      '[]: Too long: may not be more than 1048576 bytes',
    ]);
  });

  test('a wrong type is told as the server tells it', () => {
    const { structure } = kind('configmaps');
    expect(typeError(structure, configMap({ data: { a: 1 } }))).toBe(
      'json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
    );
    expect(typeError(structure, configMap({ data: [] }))).toBe(
      'json: cannot unmarshal array into Go struct field ConfigMap.data of type map[string]string',
    );
    expect(typeError(structure, configMap({ immutable: 'x' }))).toBe(
      'json: cannot unmarshal string into Go struct field ConfigMap.immutable of type bool',
    );
    expect(typeError(structure, { metadata: 'x' })).toBe(
      'json: cannot unmarshal string into Go struct field ConfigMap.metadata of type v1.ObjectMeta',
    );
    expect(typeError(structure, configMap({}, { labels: { a: 1 } }))).toBe(
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    );
    expect(typeError(structure, configMap({ binaryData: { a: '%%' } }))).toBe('illegal base64 data at input byte 0');
    expect(typeError(structure, configMap({ data: { a: 'b', c: null }, binaryData: { a: 'aGk=' } }))).toBeUndefined();
  });

  test('keys that are names of Object.prototype are keys like any other', () => {
    const object = JSON.parse(
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"__proto__":"b","constructor":"c"},"__proto__":{"polluted":true},"toString":1}',
    ) as ConfigMap;
    expect(unknownFields(kind('configmaps').structure, object)).toEqual(['__proto__', 'toString']);
    const read = prune(kind('configmaps').structure, defaulted(kind('configmaps'), object));
    expect(JSON.stringify(read)).toBe(
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"__proto__":"b","constructor":"c"}}',
    );
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('Secret', () => {
  test('is Opaque by default, and stringData becomes data', () => {
    const read = defaulted(kind('secrets'), secret({ stringData: { a: 'hello', b: '' }, data: { a: 'aaaa', c: null } }));
    expect(read).toEqual(secret({ type: 'Opaque', data: { a: 'aGVsbG8=', b: '', c: '' } }));
  });

  test('its type asks for keys and cannot change', () => {
    expect(said('secrets', secret({ type: 'kubernetes.io/tls' }))).toEqual([
      'data[tls.crt]: Required value',
      'data[tls.key]: Required value',
    ]);
    expect(said('secrets', secret({ type: 'foo' }), secret({ type: 'Opaque' }))).toEqual([
      'type: Invalid value: "foo": field is immutable',
    ]);
  });
});

describe('Namespace', () => {
  test('is named by a DNS label and labelled with its name', () => {
    const named = (name: string): KubeObject => defaulted(kind('namespaces'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    expect(named('ab').metadata.labels).toEqual({ 'kubernetes.io/metadata.name': 'ab' });
    expect(said('namespaces', named('a.b'))).toEqual(['metadata.name: Invalid value: "a.b": must not contain dots']);
    expect(said('namespaces', named('a'.repeat(64)))[0]).toMatch(/must be no more than 63 characters$/);
  });

  test('starts Active, with the finalizer of its controller', () => {
    expect(kind('namespaces').prepareForCreate?.({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } })).toMatchObject({
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
  });
});

describe('metadata', () => {
  test('labels, annotations, finalizers and owners are told apart in the server’s words', () => {
    expect(said('configmaps', configMap({}, { labels: { 'a/b/c': '' } }))[0]).toMatch(
      /^metadata\.labels: Invalid value: "a\/b\/c": a valid label key must consist/,
    );
    expect(said('configmaps', configMap({}, { labels: { a: 'b c' } }))[0]).toMatch(
      /^metadata\.labels: Invalid value: "b c": a valid label must be an empty string/,
    );
    expect(said('configmaps', configMap({}, { annotations: { 'Foo/x': '' } }))).toEqual([]);
    expect(said('configmaps', configMap({}, { annotations: { a: 'c'.repeat(262_144) } }))).toEqual([
      'metadata.annotations: Too long: may not be more than 262144 bytes',
    ]);
    expect(said('configmaps', configMap({}, { finalizers: ['foo'] }))).toEqual([
      'metadata.finalizers[0]: Invalid value: "foo": name is neither a standard finalizer name nor is it fully qualified',
    ]);
    const owner = { apiVersion: 'v1', kind: 'Pod', name: 'a', controller: true };
    const owners = [
      { ...owner, uid: 'b' },
      { ...owner, uid: 'c' },
    ];
    expect(said('configmaps', configMap({}, { ownerReferences: owners }))).toEqual([
      `metadata.ownerReferences: Invalid value: ${JSON.stringify(owners)}: Only one reference can have Controller set to true. Found "true" in references for Pod/a and Pod/a`,
    ]);
  });

  test('a name is required and never changes', () => {
    expect(said('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} as never })).toEqual([
      'metadata.name: Required value: name or generateName is required',
    ]);
    expect(said('configmaps', configMap({}, { uid: 'b' }), configMap({}, { uid: 'a' }))).toEqual([
      'metadata.uid: Invalid value: "b": field is immutable',
    ]);
  });
});
