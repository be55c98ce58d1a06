import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';

import { findCredentials } from './credentials.ts';
import { destinationOf } from './push.ts';
import { Registry } from './registry.ts';

const login = (user: string): { auth: string } => ({ auth: Buffer.from(`${user}:pass:word`).toString('base64') });

describe('destinationOf', () => {
  it.each([
    ['registry.local:5000/team', 'registry.local:5000', 'team/tsumugi/node'],
    ['localhost/a/b', 'localhost', 'a/b/tsumugi/node'],
    ['ghcr.io', 'ghcr.io', 'tsumugi/node'],
    ['[::1]:5000', '[::1]:5000', 'tsumugi/node'],
    ['docker.io', 'docker.io', 'tsumugi/node'],
  ])('%s', (prefix, host, repository) => {
    expect(destinationOf(prefix, 'tsumugi/node')).toEqual({ host, repository });
  });

  it.each(['https://registry.local', 'registry.local/Team', 'registry.local/team/', '', 'a b.c'])('refuses "%s"', (prefix) => {
    expect(() => destinationOf(prefix, 'tsumugi/node')).toThrow(`--push is "${prefix}"`);
  });

  it('knows that Docker Hub has no folders', () => {
    expect(() => destinationOf('team', 'tsumugi/node')).toThrow(/Docker Hub has no repository team\/tsumugi\/node/);
  });
});

describe('findCredentials', () => {
  const config = JSON.stringify({
    auths: {
      'registry.local:5000': login('all'),
      'https://registry.local:5000/team/': login('team'),
      'https://index.docker.io/v1/': { username: 'hub', password: 'p' },
    },
  });

  it.each([
    ['registry.local:5000/team/tsumugi/node', 'team'],
    ['registry.local:5000/teams/tsumugi/node', 'all'],
    ['docker.io/tsumugi/node', 'hub'],
    ['registry.local/tsumugi/node', undefined],
  ])('%s', (repository, username) => {
    expect(findCredentials(config, repository, 'config.json')?.username).toBe(username);
  });

  it('takes a password with colons', () => {
    expect(findCredentials(config, 'registry.local:5000/x', 'config.json')?.password).toBe('pass:word');
  });

  it('says where a helper of Docker keeps the password', () => {
    const empty = JSON.stringify({ auths: { 'a.b': {} }, credsStore: 'pass' });
    expect(() => findCredentials(empty, 'a.b/c', 'config.json')).toThrow('config.json does not have the password for a.b itself');
  });

  it('says where it is not JSON', () => {
    expect(() => findCredentials('{', 'x', '~/.docker/config.json')).toThrow('~/.docker/config.json is no JSON');
  });
});

it('does not send the password to another server than the registry', async () => {
  const seen: (string | undefined)[] = [];
  const listen = async (name: string) => {
    const server = createServer((request, response) => {
      seen.push(`${name} ${request.method} ${request.headers.authorization ?? 'nobody'}`);
      if (name === 'registry' && !request.headers.authorization) response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' });
      response.end();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close().closeAllConnections() };
  };
  const [registry, store] = [await listen('registry'), await listen('store')];
  const client = new Registry({ host: registry.host, repository: 'a', credentials: { username: 'u', password: 'p' } });
  await client.send({ method: 'HEAD', path: 'blobs/x', expect: [200] });
  await client.send({ method: 'PUT', path: `http://${store.host}/upload`, expect: [200] });
  expect(seen).toEqual(['registry HEAD nobody', 'registry HEAD Basic dTpw', 'store PUT nobody']);
  registry.close();
  store.close();
});

it('says who does not answer', async () => {
  const client = new Registry({ host: '127.0.0.1:1', repository: 'a' });
  await expect(client.send({ method: 'HEAD', path: 'blobs/x', expect: [200] })).rejects.toThrow(
    /the registry at http:\/\/127\.0\.0\.1:1 does not answer: /,
  );
});
