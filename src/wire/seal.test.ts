import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Specialize } from './protocol.ts';
import {
  digestOf,
  exportSigningKey,
  generatePodKey,
  generateSigningKey,
  importSigningKey,
  importVerifyKey,
  openDrain,
  openHello,
  openSpecialize,
  SealError,
  prepareSealing,
  sealSpecialize,
  signDrain,
  signHello,
} from './seal.ts';

const platform = generateSigningKey();
const verifyKey = importVerifyKey(platform.publicKey);
const pod = generatePodKey();
const head: Specialize = {
  pod: 'pod-1',
  revisionUid: 'r1',
  epoch: 3,
  namespace: 'default',
  function: 'hello',
  revision: 'hello-00001',
  package: '',
  handler: '',
  env: { SECRET: 'hunter2' },
  concurrency: 10,
  timeoutSeconds: 60,
  token: 't',
  gatewayUrl: 'http://localhost:8080',
  image: 'tsumugi/node',
};

describe('a sealed SPECIALIZE', () => {
  test('opens in its pod with the head and the package as they were', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4096 }), fc.dictionary(fc.string(), fc.string()), (tar, env) => {
        const opened = openSpecialize(
          sealSpecialize({ ...head, env, package: digestOf(tar) }, tar, prepareSealing(pod.publicKey), platform),
          'pod-1',
          pod,
          verifyKey,
        );
        expect(opened.head).toEqual(JSON.parse(JSON.stringify({ ...head, env, package: digestOf(tar) })));
        expect(Buffer.compare(opened.package, tar)).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  test('shows nothing of its content', () => {
    const sealed = sealSpecialize(head, Buffer.from('export default () => 1'), prepareSealing(pod.publicKey), platform);
    expect(sealed.includes('hunter2')).toBe(false);
    expect(sealed.includes('export default')).toBe(false);
  });

  test('is refused by another pod, with another key, or from another platform', () => {
    const sealed = sealSpecialize(head, new Uint8Array(), prepareSealing(pod.publicKey), platform);
    expect(() => openSpecialize(sealed, 'pod-2', pod, verifyKey)).toThrow(SealError);
    expect(() => openSpecialize(sealed, 'pod-1', generatePodKey(), verifyKey)).toThrow(/not sealed to this pod/);
    const other = sealSpecialize(head, new Uint8Array(), prepareSealing(pod.publicKey), generateSigningKey());
    expect(() => openSpecialize(other, 'pod-1', pod, verifyKey)).toThrow(/not signed by this pod's platform/);
  });

  test('is refused with a package that its head does not name', () => {
    const sealed = sealSpecialize(
      { ...head, package: digestOf(Buffer.from('a')) },
      Buffer.from('b'),
      prepareSealing(pod.publicKey),
      platform,
    );
    expect(() => openSpecialize(sealed, 'pod-1', pod, verifyKey)).toThrow(/the package is sha256:3e23e81.*not sha256:ca978112/);
  });

  test('is refused when any byte of it was changed, or cut', () => {
    const sealed = sealSpecialize(head, Buffer.from('tar'), prepareSealing(pod.publicKey), platform);
    fc.assert(
      fc.property(fc.nat({ max: sealed.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const forged = Buffer.from(sealed);
        forged[at] = (forged[at] ?? 0) ^ change;
        expect(() => openSpecialize(forged, 'pod-1', pod, verifyKey)).toThrow(SealError);
        expect(() => openSpecialize(sealed.subarray(0, at), 'pod-1', pod, verifyKey)).toThrow(SealError);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a signed HELLO', () => {
  test('is good for its pod and its platform only', () => {
    const shown = (hello: Buffer): string => (JSON.parse(hello.toString()) as { signature: string }).signature;
    expect(() => openHello(shown(signHello('pod-1', platform)), 'pod-1', verifyKey)).not.toThrow();
    expect(() => openHello(shown(signHello('pod-1', platform)), 'pod-2', verifyKey)).toThrow(SealError);
    expect(() => openHello(shown(signHello('pod-1', generateSigningKey())), 'pod-1', verifyKey)).toThrow(SealError);
    expect(() => openHello('', 'pod-1', verifyKey)).toThrow(SealError);
  });

  test('is no DRAIN', () => {
    const signature = signDrain('pod-1', 0, platform).subarray(0, 64).toString('base64url');
    expect(() => openHello(signature, 'pod-1', verifyKey)).toThrow(SealError);
  });
});

describe('a signed DRAIN', () => {
  test('tells its pod the idle time, and nobody else', () => {
    const drain = signDrain('pod-1', 180_000, platform);
    expect(openDrain(drain, 'pod-1', verifyKey)).toBe(180_000);
    expect(() => openDrain(drain, 'pod-2', verifyKey)).toThrow(SealError);
    expect(() => openDrain(signDrain('pod-1', 0, generateSigningKey()), 'pod-1', verifyKey)).toThrow(SealError);
    expect(() => openDrain(drain.subarray(0, 64), 'pod-1', verifyKey)).toThrow(SealError);
  });
});

test("the platform's key survives being stored, and only an Ed25519 key is one", () => {
  const stored = importSigningKey(exportSigningKey(platform));
  expect(stored.publicKey).toBe(platform.publicKey);
  expect(openDrain(signDrain('p', 5, stored), 'p', verifyKey)).toBe(5);
  expect(() => importSigningKey(exportSigningKey({ publicKey: '', privateKey: generatePodKey().privateKey }))).toThrow(/Ed25519/);
  expect(() => importVerifyKey('short')).toThrow(SealError);
});
