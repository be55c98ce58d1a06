import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';

import { kubeconfigText, openPki } from './pki.ts';

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'tsumugi-pki-'));
});
afterEach(() => rmSync(data, { recursive: true }));

it('makes a CA, a certificate and a token, for their owner alone', () => {
  openPki(data);
  const folder = join(data, 'pki');
  expect(readdirSync(folder).toSorted()).toEqual(['ca.crt', 'ca.key', 'server.crt', 'server.key', 'service-account.key', 'token']);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777, name).toBe(0o600);
});

it('keeps them', () => {
  const first = openPki(data);
  expect(openPki(data)).toEqual(first);
  expect(first.token).toMatch(/^[\w-]{43}$/);
});

it('signs a certificate for the local names and those given, IPv6 addresses too', () => {
  const { ca, cert } = openPki(data, ['api.example.com', '10.0.0.7', 'fd00::12:3']);
  const certificate = new X509Certificate(cert);
  expect(certificate.verify(new X509Certificate(ca).publicKey)).toBe(true);
  expect(['localhost', 'api.example.com'].map((name) => certificate.checkHost(name))).toEqual(['localhost', 'api.example.com']);
  expect(['127.0.0.1', '::1', '10.0.0.7', 'fd00::12:3'].filter((address) => certificate.checkIP(address) === undefined)).toEqual([]);
  expect(certificate.checkHost('other.example.com')).toBeUndefined();
  expect(certificate.checkIP('10.0.0.8')).toBeUndefined();
  expect(new X509Certificate(ca).ca).toBe(true);
  expect(certificate.ca).toBe(false);
});

it('makes only the certificate anew for a new name: clients keep trusting the CA', () => {
  const before = openPki(data);
  const after = openPki(data, ['new.example.com']);
  expect([after.ca, after.token]).toEqual([before.ca, before.token]);
  expect(new X509Certificate(after.cert).checkHost('new.example.com')).toBe('new.example.com');
});

it('replaces a certificate that is not of this CA or has another key', () => {
  openPki(data);
  const folder = join(data, 'pki');
  rmSync(join(folder, 'ca.key'));
  const { ca, cert } = openPki(data);
  expect(new X509Certificate(cert).verify(new X509Certificate(ca).publicKey)).toBe(true);
});

it('writes a kubeconfig', () => {
  const pki = openPki(data);
  const config = parse(kubeconfigText('https://127.0.0.1:6440', pki)) as {
    clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
    users: { user: { token: string } }[];
  };
  expect(config.clusters[0]?.cluster.server).toBe('https://127.0.0.1:6440');
  expect(Buffer.from(config.clusters[0]?.cluster['certificate-authority-data'] ?? '', 'base64').toString()).toBe(
    readFileSync(join(data, 'pki/ca.crt'), 'utf8'),
  );
  expect(config.users[0]?.user.token).toBe(pki.token);
});
