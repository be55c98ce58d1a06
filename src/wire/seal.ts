/**
 * How an activator proves itself to a pod and hands it its function: sealed to the pod (nobody on the way can read its secrets) and signed by the platform
 * (nobody else can specialise or stop a pod, even if it reaches the pod's socket).
 *
 * Envelope of SPECIALIZE and CREDENTIALS: `u8 version | 32 bytes ephemeral X25519 key | AES-256-GCM ciphertext | 16 bytes tag | 64 bytes Ed25519 signature`.
 * Key and nonce come from HKDF-SHA256 over the X25519 secret, salted with both public keys; the ephemeral key is new each time.
 * The signature covers the purpose, the pod's uid and the sha256 of all that stands before it, so that an envelope fits one pod only.
 * Plaintext of SPECIALIZE: `u32 length of the head | JSON Specialize | package`; of CREDENTIALS: JSON Tokens.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import type { Specialize, Tokens } from './protocol.ts';

const SEAL_VERSION = 1;
const KEY_BYTES = 32;
const TAG_BYTES = 16;
const SIGNATURE_BYTES = 64;
const SPECIALIZE_PURPOSE = 'tsumugi specialize 1';
/** Of the keys of all envelopes: what an envelope is for is signed. */
const KEY_PURPOSE = SPECIALIZE_PURPOSE;
const CREDENTIALS_PURPOSE = 'tsumugi credentials 1';
const DRAIN_PURPOSE = 'tsumugi drain 1';
const HELLO_PURPOSE = 'tsumugi hello 1';

/** The envelope or the signature is not for this pod, not of this platform, or was changed on the way. Nothing of it may be used. */
export class SealError extends Error {
  override name = 'SealError';
}

/** A key pair: `publicKey` is what is told to others, base64url of the raw 32 bytes. */
export interface KeyPair {
  readonly publicKey: string;
  readonly privateKey: KeyObject;
}

const rawPublicKey = (key: KeyObject): string => key.export({ format: 'jwk' }).x ?? '';

function importPublicKey(curve: 'X25519' | 'Ed25519', raw: string): KeyObject {
  if (Buffer.from(raw, 'base64url').length !== KEY_BYTES)
    throw new SealError(`not an ${curve} key: it must be base64url of ${KEY_BYTES} bytes`);
  return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: curve, x: raw } });
}

/** A pod's own key, made anew at each start and never stored: SPECIALIZE is sealed to it. */
export function generatePodKey(): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  return { publicKey: rawPublicKey(publicKey), privateKey };
}

/** The platform's signing key, to be stored as PKCS#8 PEM (`exportSigningKey`) with mode 0600. */
export function generateSigningKey(): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { publicKey: rawPublicKey(publicKey), privateKey };
}

/** PKCS#8 PEM of a signing key. */
export function exportSigningKey(key: KeyPair): string {
  return key.privateKey.export({ format: 'pem', type: 'pkcs8' });
}

/** Reads what `exportSigningKey` wrote. Throws when it is no Ed25519 key. */
export function importSigningKey(pem: string): KeyPair {
  const privateKey = createPrivateKey(pem);
  if (privateKey.asymmetricKeyType !== 'ed25519')
    throw new SealError(`the platform key must be Ed25519, not ${privateKey.asymmetricKeyType}`);
  return { publicKey: rawPublicKey(createPublicKey(privateKey)), privateKey };
}

/** The platform's public key as pods get it, ready to verify. Throws SealError when it is no key. */
export function importVerifyKey(raw: string): KeyObject {
  return importPublicKey('Ed25519', raw);
}

function signed(purpose: string, pod: string, content: Uint8Array): Buffer {
  const digest = createHash('sha256').update(content).digest();
  return Buffer.concat([Buffer.from(`${purpose}\0${pod}\0`), digest]);
}

function deriveKey(secret: Buffer, ephemeral: Uint8Array, pod: Uint8Array): { key: Buffer; nonce: Buffer } {
  const material = Buffer.from(hkdfSync('sha256', secret, Buffer.concat([ephemeral, pod]), KEY_PURPOSE, 44));
  return { key: material.subarray(0, 32), nonce: material.subarray(32) };
}

/** How a package is named: `sha256:` and 64 hex digits. */
export const digestOf = (packageTar: Uint8Array): string => `sha256:${createHash('sha256').update(packageTar).digest('hex')}`;

/** The half of a sealing that needs only the pod's key: can be done before there is anything to say. For one envelope. */
export interface Sealing {
  readonly ephemeral: Buffer;
  readonly key: Buffer;
  readonly nonce: Buffer;
}

/** `podKey` is `key` of the pod's Welcome. */
export function prepareSealing(podKey: string): Sealing {
  const { publicKey, privateKey } = generatePodKey();
  const ephemeral = Buffer.from(publicKey, 'base64url');
  const secret = diffieHellman({ privateKey, publicKey: importPublicKey('X25519', podKey) });
  return { ephemeral, ...deriveKey(secret, ephemeral, Buffer.from(podKey, 'base64url')) };
}

/**
 * Payload of SPECIALIZE for one pod. A sealing must not be used twice: its nonce would come again.
 *
 * @example connection.send(FrameType.SPECIALIZE, 0, 1, sealSpecialize(head, packageTar, prepareSealing(welcome.key), platformKey))
 */
export function sealSpecialize(head: Specialize, packageTar: Uint8Array, sealing: Sealing, platform: KeyPair): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(text.length);
  return seal(SPECIALIZE_PURPOSE, head.pod, [length, text, packageTar], sealing, platform);
}

/** Payload of CREDENTIALS for one pod; `sealing` as for SPECIALIZE. */
export function sealTokens(tokens: Tokens, pod: string, sealing: Sealing, platform: KeyPair): Buffer {
  return seal(CREDENTIALS_PURPOSE, pod, [Buffer.from(JSON.stringify(tokens))], sealing, platform);
}

function seal(purpose: string, pod: string, plain: readonly Uint8Array[], { ephemeral, key, nonce }: Sealing, platform: KeyPair): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const sealed = plain.map((part) => cipher.update(part));
  const envelope = Buffer.concat([Buffer.of(SEAL_VERSION), ephemeral, ...sealed, cipher.final(), cipher.getAuthTag()]);
  return Buffer.concat([envelope, sign(null, signed(purpose, pod, envelope), platform.privateKey)]);
}

/** Opens what `sealSpecialize` made for this pod. Throws SealError, also when the package is not the one that the head names. The returned package is a view of freshly allocated memory. */
export function openSpecialize(
  payload: Uint8Array,
  pod: string,
  podKey: KeyPair,
  verifyKey: KeyObject,
): { head: Specialize; package: Buffer } {
  const plain = open(SPECIALIZE_PURPOSE, payload, pod, podKey, verifyKey);
  const headLength = plain.readUInt32BE(0);
  const head = JSON.parse(plain.toString('utf8', 4, 4 + headLength)) as Specialize;
  if (head.pod !== pod) throw new SealError(`the envelope names pod ${head.pod}`);
  const packageTar = plain.subarray(4 + headLength);
  const digest = digestOf(packageTar);
  if (head.package !== digest) throw new SealError(`the package is ${digest}, not ${head.package}`);
  return { head, package: packageTar };
}

/** Opens what `sealTokens` made for this pod. Throws SealError. */
export function openTokens(payload: Uint8Array, pod: string, podKey: KeyPair, verifyKey: KeyObject): Tokens {
  return JSON.parse(open(CREDENTIALS_PURPOSE, payload, pod, podKey, verifyKey).toString()) as Tokens;
}

function open(purpose: string, payload: Uint8Array, pod: string, podKey: KeyPair, verifyKey: KeyObject): Buffer {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (bytes.length < 1 + KEY_BYTES + TAG_BYTES + SIGNATURE_BYTES) throw new SealError('the envelope is cut short');
  if (bytes[0] !== SEAL_VERSION) throw new SealError(`the envelope has version ${bytes[0]}, this shim reads ${SEAL_VERSION}`);
  const envelope = bytes.subarray(0, -SIGNATURE_BYTES);
  if (!verify(null, signed(purpose, pod, envelope), verifyKey, bytes.subarray(-SIGNATURE_BYTES))) {
    throw new SealError("the envelope is not signed by this pod's platform for this pod");
  }
  const ephemeralRaw = envelope.subarray(1, 1 + KEY_BYTES);
  try {
    const secret = diffieHellman({
      privateKey: podKey.privateKey,
      publicKey: importPublicKey('X25519', ephemeralRaw.toString('base64url')),
    });
    const { key, nonce } = deriveKey(secret, ephemeralRaw, Buffer.from(podKey.publicKey, 'base64url'));
    const decipher = createDecipheriv('aes-256-gcm', key, nonce);
    decipher.setAuthTag(envelope.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(envelope.subarray(1 + KEY_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new SealError("the envelope is not sealed to this pod's key", { cause });
  }
}

/**
 * Payload of an activator's HELLO to this pod. On a network that others can listen to, it can be replayed: that shows them how busy the
 * pod is, and whose; to specialise or stop it needs a signature of its own.
 */
export function signHello(pod: string, platform: KeyPair): Buffer {
  const signature = sign(null, signed(HELLO_PURPOSE, pod, new Uint8Array()), platform.privateKey);
  return Buffer.from(JSON.stringify({ signature: signature.toString('base64url') }));
}

/** `signature` of what `signHello` made. Throws SealError. */
export function openHello(signature: string, pod: string, verifyKey: KeyObject): void {
  const bytes = Buffer.from(signature, 'base64url');
  if (bytes.length !== SIGNATURE_BYTES || !verify(null, signed(HELLO_PURPOSE, pod, new Uint8Array()), verifyKey, bytes)) {
    throw new SealError("HELLO is not signed by this pod's platform for this pod");
  }
}

/** Payload of DRAIN: `64 bytes signature | JSON {idleMs}`. A replay is harmless: it stops only a pod that has been idle for so long (or is stopping). */
export function signDrain(pod: string, idleMs: number, platform: KeyPair): Buffer {
  const text = Buffer.from(JSON.stringify({ idleMs }));
  return Buffer.concat([sign(null, signed(DRAIN_PURPOSE, pod, text), platform.privateKey), text]);
}

/** Milliseconds of `signDrain`. Throws SealError. */
export function openDrain(payload: Uint8Array, pod: string, verifyKey: KeyObject): number {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const text = bytes.subarray(SIGNATURE_BYTES);
  if (text.length === 0 || !verify(null, signed(DRAIN_PURPOSE, pod, text), verifyKey, bytes.subarray(0, SIGNATURE_BYTES))) {
    throw new SealError("DRAIN is not signed by this pod's platform for this pod");
  }
  const { idleMs } = JSON.parse(text.toString()) as { idleMs?: unknown };
  if (typeof idleMs !== 'number' || !(idleMs >= 0)) throw new SealError('DRAIN names no idleMs');
  return idleMs;
}
