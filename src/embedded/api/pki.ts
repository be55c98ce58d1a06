/** The server's own certificates and the admin's token: made at the first start, kept in `<data>/pki/`. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';

import { newToken } from '../../base/ids.ts';
import { makeCertificate, makeKeys } from './certificates.ts';

export interface Pki {
  /** PEM of the CA's certificate, of the server's, and of the server's key. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** Bearer token of the admin. */
  readonly token: string;
}

const tenYearsMs = 10 * 365 * 86_400_000;
/** A server's certificate is made anew when less than this is left of it. */
const renewBeforeMs = 30 * 86_400_000;
const serverYearMs = 365 * 86_400_000;
const always: readonly string[] = ['localhost', '127.0.0.1', '::1'];

/** Files are 0600, the folder 0700. `hosts`: names and addresses beyond localhost that the certificate must cover. */
export function openPki(data: string, hosts: readonly string[] = []): Pki {
  const folder = join(data, 'pki');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const file = (name: string): string => join(folder, name);
  const names = [...new Set([...always, ...hosts])];
  if (!existsSync(file('ca.crt')) || !existsSync(file('ca.key'))) makeAuthority(file);
  if (!coversStill(file, names)) makeServerCertificate(file, names);
  if (!existsSync(file('token'))) writeSecret(file('token'), newToken());
  const read = (name: string): string => readFileSync(file(name), 'utf8').trim();
  return { ca: `${read('ca.crt')}\n`, cert: read('server.crt'), key: read('server.key'), token: read('token') };
}

/** Renamed into place, so that a crash leaves either nothing or all of it. */
function writeSecret(path: string, text: string): void {
  writeFileSync(`${path}.new`, `${text.trim()}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** The certificate is of this CA, has its key, covers all names and lasts a while. */
function coversStill(file: FileOf, names: readonly string[]): boolean {
  if (!existsSync(file('server.crt')) || !existsSync(file('server.key'))) return false;
  const [cert, ca] = [new X509Certificate(readFileSync(file('server.crt'))), new X509Certificate(readFileSync(file('ca.crt')))];
  const covers = (name: string): boolean => (isIP(name) ? cert.checkIP(name) : cert.checkHost(name)) !== undefined;
  const fits = cert.verify(ca.publicKey) && cert.checkPrivateKey(createPrivateKey(readFileSync(file('server.key'))));
  return fits && names.every(covers) && Date.parse(cert.validTo) - Date.now() > renewBeforeMs;
}

const authority = 'tsumugi-ca';
const anHourAgo = (): Date => new Date(Date.now() - 3_600_000);
const exported = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' });

type FileOf = (name: string) => string;

function makeAuthority(file: FileOf): void {
  const signer = makeKeys();
  const notAfter = new Date(Date.now() + tenYearsMs);
  const cert = makeCertificate({
    subject: authority,
    issuer: authority,
    publicKey: signer.publicKey,
    signer,
    notBefore: anHourAgo(),
    notAfter,
    use: { authority: true },
  });
  writeSecret(file('ca.key'), exported(signer.privateKey));
  writeSecret(file('ca.crt'), cert);
}

function makeServerCertificate(file: FileOf, names: readonly string[]): void {
  const privateKey = createPrivateKey(readFileSync(file('ca.key')));
  const signer = { privateKey, publicKey: createPublicKey(privateKey) };
  const keys = makeKeys();
  const notAfter = new Date(Date.now() + serverYearMs);
  const cert = makeCertificate({
    subject: 'tsumugi-api',
    issuer: authority,
    publicKey: keys.publicKey,
    signer,
    notBefore: anHourAgo(),
    notAfter,
    use: { server: names },
  });
  writeSecret(file('server.key'), exported(keys.privateKey));
  writeSecret(file('server.crt'), cert);
}

/** A kubeconfig for the admin of this server, as YAML that is also JSON where it matters: all values are quoted. */
export function kubeconfigText(url: string, { ca, token }: Pick<Pki, 'ca' | 'token'>): string {
  const quote = JSON.stringify;
  return [
    'apiVersion: v1',
    'kind: Config',
    'current-context: tsumugi',
    'clusters:',
    '- name: tsumugi',
    '  cluster:',
    `    server: ${quote(url)}`,
    `    certificate-authority-data: ${Buffer.from(ca).toString('base64')}`,
    'users:',
    '- name: tsumugi-admin',
    '  user:',
    `    token: ${quote(token)}`,
    'contexts:',
    '- name: tsumugi',
    '  context:',
    '    cluster: tsumugi',
    '    user: tsumugi-admin',
    '    namespace: default',
    '',
  ].join('\n');
}
