/** The server's own certificates and the admin's token: made at the first start, kept in `<data>/pki/`. */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';

import { type Certified, certifies, makeAuthority, makeServerCertificate } from '../../base/authority.ts';
import { newToken } from '../../base/ids.ts';

export interface Pki {
  /** PEM of the CA's certificate, of the server's, and of the server's key. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** Bearer token of the admin. */
  readonly token: string;
  /** Private key, PEM, that signs the tokens of ServiceAccounts. */
  readonly accountKey: string;
}

const always: readonly string[] = ['localhost', '127.0.0.1', '::1'];

/** Files are 0600, the folder 0700. `hosts`: names and addresses beyond localhost that the certificate must cover. */
export function openPki(data: string, hosts: readonly string[] = []): Pki {
  const folder = join(data, 'pki');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const file = (name: string): string => join(folder, name);
  const names = [...new Set([...always, ...hosts])];
  const keep = (name: string, { cert, key }: Certified): void => {
    writeSecret(file(`${name}.key`), key);
    writeSecret(file(`${name}.crt`), cert);
  };
  if (!existsSync(file('ca.crt')) || !existsSync(file('ca.key'))) keep('ca', makeAuthority());
  if (!coversStill(file, names)) keep('server', makeServerCertificate(readFileSync(file('ca.key'), 'utf8'), names));
  if (!existsSync(file('token'))) writeSecret(file('token'), newToken());
  if (!existsSync(file('service-account.key'))) writeSecret(file('service-account.key'), newAccountKey());
  const read = (name: string): string => readFileSync(file(name), 'utf8').trim();
  return {
    ca: `${read('ca.crt')}\n`,
    cert: read('server.crt'),
    key: read('server.key'),
    token: read('token'),
    accountKey: read('service-account.key'),
  };
}

/** A key that can sign tokens of ServiceAccounts, PEM. */
export const newAccountKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });

/** Renamed into place, so that a crash leaves either nothing or all of it. */
function writeSecret(path: string, text: string): void {
  writeFileSync(`${path}.new`, `${text.trim()}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function coversStill(file: (name: string) => string, names: readonly string[]): boolean {
  if (!existsSync(file('server.crt')) || !existsSync(file('server.key'))) return false;
  const read = (name: string): string => readFileSync(file(name), 'utf8');
  return certifies({ cert: read('server.crt'), key: read('server.key') }, read('ca.crt'), names);
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
