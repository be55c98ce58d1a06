import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crdFile, crdFolder, crdKinds } from '../../scripts/crds.ts';
import { podKind } from './builtin/pod.ts';
import { conditionOf, isReady, setCondition } from './conditions.ts';
import { functionKind, type FunctionResource } from './function.ts';
import type { KindDefinition } from './kind.ts';
import { check, defaulted, kindOf, kinds, prune, typeError, unknownFields } from './kinds.ts';
import type { KubeObject } from './object.ts';
import { resolve } from './resolve.ts';
import type { ObjectStructure, Structure } from './structure.ts';
import { printCells } from './cells.ts';
import { invalidSamples, objectOf, type Sample, validSamples } from './testing/samples.ts';

const kindOfSample = (sample: Sample): KindDefinition => kindOf({ apiVersion: 'tsumugi.dev/v1', kind: sample.kind }) as KindDefinition;
const said = (sample: Sample): string[] =>
  check(kindOfSample(sample), defaulted(kindOfSample(sample), objectOf(sample))).map(({ field, message }) => `${field}: ${message}`);
const invalid = (what: string): string[] => said(invalidSamples.find((sample) => sample.what === what) as Sample);

describe('schemas of tsumugi.dev/v1', () => {
  test.each(validSamples.map((sample) => [`${sample.kind}: ${sample.what}`, sample] as const))('takes %s', (_, sample) =>
    expect(said(sample)).toEqual([]),
  );
  test.each(invalidSamples.map((sample) => [`${sample.kind}: ${sample.what}`, sample] as const))('refuses %s', (_, sample) =>
    expect(said(sample)).not.toEqual([]),
  );

  test('errors name the field, its value and what is allowed', () => {
    expect(invalid('no instance at most')).toEqual([
      'spec.scale.max: Invalid value: 0: spec.scale.max in body should be greater than or equal to 1',
    ]);
    expect(invalid('inline and package')).toEqual(['spec.source: Invalid value: exactly one of `inline`, `package` must be given']);
    expect(invalid('a variable from nowhere')).toEqual([
      'spec.env[0].valueFrom: Invalid value: exactly one of `secretKeyRef`, `configMapKeyRef` must be given',
    ]);
    expect(invalid('a name of 41 characters')).toEqual([
      "<nil>: Invalid value: metadata.name must be a DNS label of at most 40 characters: lower case letters, digits and '-'",
    ]);
    const task = 'spec.template.spec.template.spec';
    expect(invalid('two containers')[0]).toBe(`${task}.containers: Too many: 2: must have at most 1 item`);
    expect(invalid('no container')[0]).toBe(
      `${task}.containers: Invalid value: 0: ${task}.containers in body should have at least 1 items`,
    );
    expect(invalid('neither a container nor a call')).toEqual([
      `${task}: Invalid value: exactly one of \`containers\`, \`call\` must be given`,
    ]);
    expect(invalid('an unknown method')[0]).toBe(
      'spec.match.methods[0]: Unsupported value: "FETCH": supported values: "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"',
    );
  });

  test('a Function gets its defaults, and keeps what it has', () => {
    const least = defaulted<FunctionResource>(functionKind, objectOf(validSamples[0] as Sample) as FunctionResource);
    expect(least.spec).toEqual({
      source: { inline: 'export default () => 1' },
      runtime: 'node',
      handler: 'default',
      timeoutSeconds: 60,
      scale: { min: 0, max: 10, idleTimeoutSeconds: 180 },
      visibility: 'public',
    });
    const part = defaulted<FunctionResource>(
      functionKind,
      objectOf(validSamples.find(({ what }) => what === 'part of scale') as Sample) as FunctionResource,
    );
    expect(part.spec.scale).toEqual({ min: 0, max: 3, idleTimeoutSeconds: 180 });
  });

  test('unknown fields are found at any depth, and pruned', () => {
    const object = {
      ...objectOf({ what: '', kind: 'Function', spec: { source: { inline: 'x', foo: 1 }, env: [{ name: 'A', bar: 1 }], baz: 1 } }),
      qux: 1,
    };
    expect(unknownFields(functionKind.structure, object)).toEqual(['spec.source.foo', 'spec.env[0].bar', 'spec.baz', 'qux']);
    expect(unknownFields(functionKind.structure, prune(functionKind.structure, object))).toEqual([]);
  });

  test('the row of kubectl get is made of stored fields', () => {
    const object = {
      ...objectOf(validSamples[0] as Sample),
      status: {
        url: 'http://u',
        latestReadyRevision: 'sample-00001',
        conditions: [
          { type: 'Other', status: 'False' },
          { type: 'Ready', status: 'True', reason: 'Deployed' },
        ],
      },
    };
    expect(printCells(functionKind, defaulted(functionKind, object))).toEqual([
      'sample',
      'True',
      'Deployed',
      'http://u',
      'sample-00001',
      'node',
      null,
    ]);
  });

  test('the CRD files are those of the source', () => {
    for (const kind of crdKinds) expect(readFileSync(new URL(`${kind.plural}.yaml`, crdFolder), 'utf8')).toBe(crdFile(kind));
    expect(crdKinds.map(({ kind }) => kind)).toEqual([
      'Execution',
      'Function',
      'JobDefinition',
      'RemoteCluster',
      'Revision',
      'Route',
      'Runtime',
    ]);
  });
});

describe('conditions', () => {
  const ready = { type: 'Ready', status: 'True', reason: 'Deployed', message: '' } as const;

  test('the time changes with the status alone', () => {
    const first = setCondition(undefined, { ...ready, status: 'False' }, 1000);
    const second = setCondition(first, { ...ready, status: 'False', reason: 'Other' }, 5000);
    const third = setCondition(second, ready, 9000);
    expect([first, second, third].map((list) => list[0]?.lastTransitionTime)).toEqual([
      '1970-01-01T00:00:01Z',
      '1970-01-01T00:00:01Z',
      '1970-01-01T00:00:09Z',
    ]);
    expect(third).toHaveLength(1);
  });

  test('nothing new is the same list', () => {
    const list = setCondition([], ready, 1000);
    expect(setCondition(list, ready, 2000)).toBe(list);
  });

  test('ready is only who is ready for the present generation', () => {
    const conditions = setCondition([], { ...ready, observedGeneration: 1 }, 0);
    expect(isReady({ metadata: { generation: 1 }, status: { conditions } })).toBe(true);
    expect(isReady({ metadata: { generation: 2 }, status: { conditions } })).toBe(false);
    expect(isReady({ metadata: {} })).toBe(false);
    expect(conditionOf({ status: { conditions } }, 'Ready')?.reason).toBe('Deployed');
  });
});

describe('whatever is sent', () => {
  const keys = fc.constantFrom(
    'spec',
    'metadata',
    'status',
    'source',
    'env',
    'scale',
    'name',
    'labels',
    'data',
    'containers',
    '__proto__',
    'constructor',
    'toString',
    'x',
  );
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom(null, true, 0, -1.5, '', 'a', 'A b'),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(keys, tie('any'), { maxKeys: 5, noNullPrototype: true }),
    ),
  })).any;
  const sent = fc
    .dictionary(keys, value, { maxKeys: 6, noNullPrototype: true })
    .map((object) => ({ ...object, apiVersion: 'v1', kind: 'X', metadata: { name: 'x' } }));

  test('reading never throws, never changes its input, and is stable', () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), sent, (kind, object) => {
        const before = JSON.stringify(object);
        const once = prune(kind.structure, object);
        expect(unknownFields(kind.structure, once)).toEqual([]);
        expect(prune(kind.structure, once)).toEqual(once);
        expect(JSON.stringify(object)).toBe(before);
        expect(({} as Record<string, unknown>)['x']).toBeUndefined();
      }),
    );
  });

  /** Values of a structure, nulls among them: what passes the check of types and no more. */
  const fitting = (structure: Structure, depth = 0): fc.Arbitrary<unknown> => {
    const at = resolve(structure);
    const values = (inner: Structure): fc.Arbitrary<unknown> => (depth > 7 ? fc.constant(null) : fitting(inner, depth + 1));
    switch (at.type) {
      case 'object':
        return fc
          .uniqueArray(fc.constantFrom(...Object.keys(at.fields)), { maxLength: 5 })
          .chain((names) =>
            fc.record(
              Object.fromEntries(
                names.map((name) => [name, fc.oneof({ weight: 9, arbitrary: values(at.fields[name] as Structure) }, fc.constant(null))]),
              ),
            ),
          );
      case 'map':
        return fc.dictionary(fc.constantFrom('a', 'cpu', '__proto__', 'A b'), fc.oneof(values(at.values), fc.constant(null)), {
          maxKeys: 2,
          noNullPrototype: true,
        });
      case 'list':
        return fc.array(fc.oneof({ weight: 5, arbitrary: values(at.items) }, fc.constant(null)), { maxLength: 2 });
      case 'string':
        return at.format === 'byte'
          ? fc.constantFrom('', 'aGk=')
          : at.format === 'date-time'
            ? fc.constant('2026-01-01T00:00:00.000000Z')
            : fc.constantFrom('', 'a', 'A b', ...(at.enum ?? []));
      case 'boolean':
        return fc.boolean();
      case 'any':
        return fc.constantFrom({}, { a: 1 });
      case 'intOrString':
        return fc.constantFrom(1, '1', '1Gi', '500m');
      default:
        return fc.constantFrom(0, 1, -1, 80);
    }
  };

  test('of any kind: what has the right types can be read, checked and printed', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds).chain((kind) => fc.tuple(fc.constant(kind), fitting(kind.structure) as fc.Arbitrary<object>)),
        ([kind, sent]) => {
          const object = JSON.parse(JSON.stringify({ ...sent, apiVersion: 'v1', kind: kind.kind })) as KubeObject;
          if (typeError(kind.structure, object) !== undefined) return;
          const once = defaulted(kind, prune(kind.structure, object));
          expect(defaulted(kind, once)).toEqual(once);
          const made = kind.prepareForCreate?.(once) ?? once;
          if (check(kind, made).length === 0) expect(printCells(kind, made)).toHaveLength(kind.columns.length);
          expect(check(kind, made, made).every(({ message }) => message.length > 0)).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('of pods, whatever their containers, volumes and status', () => {
    const of = (entry: string, names: readonly string[]): fc.Arbitrary<unknown> => {
      const at = resolve({ type: 'ref', ref: entry }) as ObjectStructure;
      return fc.record(Object.fromEntries(names.map((name) => [name, fitting(at.fields[name] as Structure)])), { requiredKeys: [] });
    };
    const spec = of('core.v1.PodSpec', [
      'containers',
      'initContainers',
      'volumes',
      'tolerations',
      'securityContext',
      'readinessGates',
      'nodeSelector',
    ]);
    const status = of('core.v1.PodStatus', ['phase', 'containerStatuses', 'initContainerStatuses', 'conditions', 'podIPs']);
    fc.assert(
      fc.property(spec, status, (spec, status) => {
        const object = JSON.parse(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, spec, status })) as KubeObject;
        expect(typeError(podKind.structure, object)).toBeUndefined();
        const once = defaulted(podKind as KindDefinition, object);
        expect(defaulted(podKind as KindDefinition, once)).toEqual(once);
        const errors = check(podKind, once, structuredClone(once));
        if (!errors.some(({ field }) => field === 'spec.containers'))
          expect(printCells(podKind, once)).toHaveLength(podKind.columns.length);
      }),
      { numRuns: 300 },
    );
  });

  test('of our kinds, also filling in and checking', () => {
    fc.assert(
      fc.property(fc.constantFrom(...crdKinds), sent, (kind, object) => {
        const once = defaulted(kind, prune(kind.structure, object));
        expect(defaulted(kind, once)).toEqual(once);
        for (const error of check(kind, once))
          expect(error).toMatchObject({
            field: expect.any(String),
            reason: expect.stringMatching(/^FieldValue/),
            message: expect.any(String),
          });
      }),
    );
  });
});
