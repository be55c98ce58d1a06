/**
 * X.509 certificates of our own CA: ECDSA P-256, written as DER with node:crypto alone. Only what a TLS server and its clients look
 * at; reading certificates is node's (`X509Certificate`).
 */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isIP, SocketAddress } from 'node:net';

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export interface CertificateWish {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  /** The issuer's private and public key; the subject's own for a CA that signs itself. */
  readonly signer: KeyPair;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** A CA that may sign servers, or a TLS server with these names and addresses. */
  readonly use: { readonly authority: true } | { readonly server: readonly string[] };
}

export const makeKeys = (): KeyPair => generateKeyPairSync('ec', { namedCurve: 'P-256' });

// DER: tag, length, content.
function tlv(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length, ...bytes]), content]);
}

const sequence = (...items: readonly Uint8Array[]): Buffer => tlv(0x30, ...items);
const octets = (bytes: Uint8Array): Buffer => tlv(0x04, bytes);
const bits = (bytes: Uint8Array, unused = 0): Buffer => tlv(0x03, Buffer.from([unused]), bytes);
const flag = tlv(0x01, Buffer.from([0xff]));
const small = (value: number): Buffer => tlv(0x02, Buffer.from([value]));

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const septets = [part & 0x7f];
    for (let left = part >> 7; left > 0; left >>= 7) septets.unshift((left & 0x7f) | 0x80);
    bytes.push(...septets);
  }
  return tlv(0x06, Buffer.from(bytes));
}

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));
const commonName = (name: string): Buffer => sequence(tlv(0x31, sequence(oid('2.5.4.3'), tlv(0x0c, Buffer.from(name)))));

/** UTCTime reaches to 2049, GeneralizedTime is for what comes after. */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/\D/g, '').slice(0, 14);
  return date.getUTCFullYear() < 2050 ? tlv(0x17, Buffer.from(`${digits.slice(2)}Z`)) : tlv(0x18, Buffer.from(`${digits}Z`));
}

function extension(id: string, critical: boolean, value: Uint8Array): Buffer {
  return critical ? sequence(oid(id), flag, octets(value)) : sequence(oid(id), octets(value));
}

/** SHA-1 of the key's bits, as RFC 5280 has it: it names a key, nothing rests on its strength. */
function keyId(key: KeyObject): Buffer {
  const spki = key.export({ type: 'spki', format: 'der' });
  return createHash('sha1')
    .update(spki.subarray(spki.length - 65))
    .digest();
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const plain = new SocketAddress({ address, family: 'ipv6' }).address;
  const [head = '', tail] = plain.split('::');
  const groups = (text: string): string[] =>
    text
      .split(':')
      .filter((group) => group !== '')
      .flatMap((group) =>
        group.includes('.') ? (Buffer.from(group.split('.').map(Number)).toString('hex').match(/.{4}/g) ?? []) : [group],
      );
  const [front, back] = [groups(head), tail === undefined ? [] : groups(tail)];
  const all = [...front, ...Array<string>(8 - front.length - back.length).fill('0'), ...back];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

const subjectName = (name: string): Buffer => (isIP(name) ? tlv(0x87, addressBytes(name)) : tlv(0x82, Buffer.from(name)));

function extensions({ use, publicKey, signer }: CertificateWish): Buffer[] {
  const authorityKey = extension('2.5.29.35', false, sequence(tlv(0x80, keyId(signer.publicKey))));
  if ('authority' in use) {
    return [
      extension('2.5.29.19', true, sequence(flag, small(0))),
      // keyCertSign and cRLSign: the bits 5 and 6.
      extension('2.5.29.15', true, bits(Buffer.from([0x06]), 1)),
      extension('2.5.29.14', false, octets(keyId(publicKey))),
    ];
  }
  return [
    extension('2.5.29.19', true, sequence()),
    // digitalSignature: bit 0.
    extension('2.5.29.15', true, bits(Buffer.from([0x80]), 7)),
    extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1'))),
    extension('2.5.29.17', false, sequence(...use.server.map(subjectName))),
    authorityKey,
  ];
}

/** The certificate as PEM. */
export function makeCertificate(wish: CertificateWish): string {
  const serial = randomBytes(16);
  // Positive and without a leading zero byte.
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40;
  const body = sequence(
    tlv(0xa0, small(2)),
    tlv(0x02, serial),
    ecdsaWithSha256,
    commonName(wish.issuer),
    sequence(time(wish.notBefore), time(wish.notAfter)),
    commonName(wish.subject),
    wish.publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(...extensions(wish))),
  );
  const signature = sign('sha256', body, { key: wish.signer.privateKey, dsaEncoding: 'der' });
  const der = sequence(body, ecdsaWithSha256, bits(signature));
  return `-----BEGIN CERTIFICATE-----\n${der
    .toString('base64')
    .match(/.{1,64}/g)
    ?.join('\n')}\n-----END CERTIFICATE-----\n`;
}
