import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';

import { functionPath, poolHash, revisionHash, revisionName, revisionNumber } from './names.ts';
import type { FunctionInput } from '../../resources/function.ts';

type Spec = FunctionInput['spec'];
const spec: Spec = { source: { inline: 'export default 1' } };

describe('the name of a revision', () => {
  it('counts, and is read back', () => {
    expect(revisionName('hello', 7)).toBe('hello-00007');
    expect(revisionNumber('hello', 'hello-00007')).toBe(7);
    expect(revisionNumber('hello', revisionName('hello', 123_456))).toBe(123_456);
  });

  it.each(['hello', 'hello-1', 'hello-world-00001', 'other-00001', 'hello-0000x'])('%s is none of "hello"', (name) => {
    expect(revisionNumber('hello', name)).toBe(0);
  });
});

describe('what makes a new revision', () => {
  const changes: [string, Spec][] = [
    ['the source', { source: { inline: 'export default 2' } }],
    ['the kind of source', { source: { package: 'export default 1' } }],
    ['the runtime', { ...spec, runtime: 'python' }],
    ['the handler', { ...spec, handler: 'main' }],
    ['a variable', { ...spec, env: [{ name: 'A', value: '1' }] }],
    ['a secret', { ...spec, secrets: ['s'] }],
    ['a config map', { ...spec, configMaps: ['s'] }],
    ['the time-out', { ...spec, timeoutSeconds: 5 }],
    ['the concurrency', { ...spec, concurrency: 5 }],
    ['the image', { ...spec, image: 'a' }],
    ['the secrets to pull it with', { ...spec, imagePullSecrets: [{ name: 'a' }] }],
    ['the resources', { ...spec, resources: { limits: { memory: '1Gi' } } }],
    ['the service account', { ...spec, serviceAccountName: 'a' }],
    ['the volumes', { ...spec, volumes: [{ name: 'a', emptyDir: {} }] }],
    ['the mounts', { ...spec, volumeMounts: [{ name: 'a', mountPath: '/a' }] }],
  ];
  it.each(changes)('%s', (_, changed) => {
    expect(revisionHash(changed)).not.toBe(revisionHash(spec));
  });

  it('is not the scale, nor a default that is written out, nor the order of fields', () => {
    expect(revisionHash({ ...spec, scale: { min: 3 } })).toBe(revisionHash(spec));
    expect(revisionHash({ ...spec, volumes: [], resources: {} })).toBe(revisionHash(spec));
    expect(revisionHash({ ...spec, runtime: 'node', handler: 'default', timeoutSeconds: 60 })).toBe(revisionHash(spec));
    const reference = { valueFrom: { secretKeyRef: { name: 's', key: 'k' } }, name: 'A' };
    const turned = { name: 'A', valueFrom: { secretKeyRef: { key: 'k', name: 's' } } };
    expect(revisionHash({ ...spec, env: [reference] })).toBe(revisionHash({ ...spec, env: [turned] }));
  });

  it('tells any two sources apart', () => {
    assert(
      property(string(), string(), (a, b) => {
        expect(revisionHash({ source: { inline: a } }) === revisionHash({ source: { inline: b } })).toBe(a === b);
      }),
    );
  });
});

describe('the pool of a function', () => {
  const volumes = [{ name: 'a', emptyDir: {} }];

  it("is the runtime's common one while nothing is said of its pods", () => {
    expect(poolHash(spec)).toBeUndefined();
    expect(poolHash({ resources: { limits: {} }, volumes: [], volumeMounts: [] })).toBeUndefined();
  });

  it('is shared by all that say the same, whatever else they say', () => {
    const one = poolHash({ image: 'a', volumes });
    expect(one).toMatch(/^[0-9a-f]{16}$/);
    expect(poolHash({ ...spec, handler: 'other', volumes, image: 'a' } as Spec)).toBe(one);
    const others = [{ image: 'b', volumes }, { image: 'a' }, { image: 'a', volumes: [{ name: 'a', emptyDir: { sizeLimit: 1 } }] }];
    expect(new Set([one, ...others.map((each) => poolHash(each))]).size).toBe(4);
  });
});

it('the path at the gateway names the namespace unless it is the default', () => {
  expect([functionPath('default', 'hello'), functionPath('shop', 'hello')]).toEqual(['/function/hello', '/function/hello.shop']);
});
