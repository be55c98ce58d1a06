import { expect, it } from 'vitest';

import { architectureOf, baseFiles, thisHost } from './base.ts';

const debian12 = { platform: 'linux', arch: 'x64', glibc: '2.36', debian: true };

it('knows the machines whose files make a base', () => {
  expect(architectureOf(debian12)).toBe('amd64');
  expect(architectureOf({ ...debian12, arch: 'arm64', glibc: '3.0' })).toBe('arm64');
});

it.each([
  [{ platform: 'darwin' }, 'it runs darwin, not Linux'],
  [{ glibc: undefined }, 'its Node is not linked with glibc'],
  [{ debian: false }, 'it is no Debian'],
  [{ glibc: '2.31' }, 'its glibc is 2.31, older than 2.34'],
  [{ arch: 'riscv64' }, 'its processor is riscv64'],
])('refuses %j', (change, why) => {
  expect(() => architectureOf({ ...debian12, ...change })).toThrow(why);
});

it.runIf(thisHost().debian)('is Node, all that it is linked with, and no shell', async () => {
  const files = await baseFiles();
  const paths = Object.keys(files);
  expect(paths).toEqual(expect.arrayContaining(['usr/local/bin/node', 'etc/passwd', 'etc/ssl/certs/ca-certificates.crt', 'tmp']));
  expect(paths.filter((path) => path.endsWith('/libc.so.6'))).toHaveLength(1);
  expect(paths.filter((path) => /ld-linux[^/]*$/.test(path))).toHaveLength(1);
  expect(paths.filter((path) => /\/(sh|bash|dash|busybox)$/.test(path))).toEqual([]);
  // Scanners find the package of each library, its licence goes along.
  expect(paths).toEqual(expect.arrayContaining(['etc/os-release', 'var/lib/dpkg/status.d/libc6', 'usr/share/doc/libc6/copyright']));
  expect(Buffer.from(files['var/lib/dpkg/status.d/libstdc++6']?.bytes ?? []).toString()).toMatch(
    /^Package: libstdc\+\+6\n[^]*\nVersion: \d/,
  );
  expect(Buffer.from(files['etc/passwd']?.bytes ?? []).toString()).toContain('nonroot:x:65532:65532:');
});
