/** A certificate authority of the platform's own, and TLS servers signed by it. PEM in, PEM out: where they are kept is the caller's. */
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { makeCertificate, makeKeys } from './certificates.ts';

/** A certificate and its private key, both PEM. */
export interface Certified {
  readonly cert: string;
  readonly key: string;
}

const authority = 'tsumugi-ca';
const dayMs = 86_400_000;
const tenYearsMs = 10 * 365 * dayMs;
const yearMs = 365 * dayMs;
/** A server's certificate is made anew when less than this is left of it. */
const renewBeforeMs = 30 * dayMs;

const anHourAgo = (): Date => new Date(Date.now() - 3_600_000);
const exported = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' });

/** A new authority, for ten years. */
export function makeAuthority(): Certified {
  const signer = makeKeys();
  const cert = makeCertificate({
    subject: authority,
    issuer: authority,
    publicKey: signer.publicKey,
    signer,
    notBefore: anHourAgo(),
    notAfter: new Date(Date.now() + tenYearsMs),
    use: { authority: true },
  });
  return { cert, key: exported(signer.privateKey) };
}

/** A server of these names and addresses, for a year. `authorityKey`: PEM. */
export function makeServerCertificate(authorityKey: string, names: readonly string[]): Certified {
  const privateKey = createPrivateKey(authorityKey);
  const keys = makeKeys();
  const cert = makeCertificate({
    subject: 'tsumugi-api',
    issuer: authority,
    publicKey: keys.publicKey,
    signer: { privateKey, publicKey: createPublicKey(privateKey) },
    notBefore: anHourAgo(),
    notAfter: new Date(Date.now() + yearMs),
    use: { server: names },
  });
  return { cert, key: exported(keys.privateKey) };
}

/** The server's certificate is of this CA, has its key, covers all names and lasts a while. */
export function certifies(server: Certified, ca: string, names: readonly string[]): boolean {
  const cert = new X509Certificate(server.cert);
  const covers = (name: string): boolean => (isIP(name) ? cert.checkIP(name) : cert.checkHost(name)) !== undefined;
  const fits = cert.verify(new X509Certificate(ca).publicKey) && cert.checkPrivateKey(createPrivateKey(server.key));
  return fits && names.every(covers) && Date.parse(cert.validTo) - Date.now() > renewBeforeMs;
}
