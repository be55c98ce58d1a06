/** Secrets and ConfigMaps of functions: against the embedded API and real shim processes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Pod } from '../resources/builtin/pod-types.ts';
import type { RevisionResource } from '../resources/revision.ts';
import { configMaps, pods, revisions, secrets } from '../resources/resources.ts';
import { eventually, TestPlatform } from './testing/platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const metadata = (name: string) => ({ name, namespace: 'default' });
const makeSecret = (name: string, data: Record<string, string>): Promise<unknown> =>
  platform.client.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata: metadata(name), data } as never);
const makeConfigMap = (name: string, data: Record<string, string>): Promise<unknown> =>
  platform.client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata(name), data } as never);

/** What is in the folders, each file with its mode. */
const lister = `
  import { readdirSync, readFileSync, statSync } from 'node:fs';
  import { join } from 'node:path';
  const list = (folder) => readdirSync(folder).flatMap((name) => readdirSync(join(folder, name)).map((key) => {
    const file = join(folder, name, key);
    return [name, key, statSync(file).isFile() ? (statSync(file).mode & 0o777).toString(8) + ' ' + readFileSync(file, 'latin1') : 'folder'].join(' ');
  })).sort();
  export default () => ({ secrets: list(process.env.TSUMUGI_SECRETS), configs: list(process.env.TSUMUGI_CONFIGS) });`;

describe('Secrets and ConfigMaps of a function', () => {
  it('are files that only its own user may read, and no other pod has; by their names, and by the namespace before them', async () => {
    await makeSecret('database', { 'tls.key': Buffer.of(0, 255).toString('base64'), user: base64('ada') });
    await makeConfigMap('settings', { colour: 'blue' });
    await platform.inline('files', lister, { secrets: ['database'], configMaps: ['settings'] });
    await platform.inline('none', lister);
    await platform.ready('files');
    await platform.ready('none');
    expect(JSON.parse(await platform.call('files'))).toEqual({
      secrets: ['database tls.key 400 \u0000ÿ', 'database user 400 ada', 'default database folder', 'default default folder'],
      configs: ['default default folder', 'default settings folder', 'settings colour 400 blue'],
    });
    expect(JSON.parse(await platform.call('none'))).toEqual({ secrets: [], configs: [] });
  });

  it('that change while there are instances make a revision, whose instances have the new values; labels of theirs do not', async () => {
    await makeSecret('changing', { KEY: base64('old') });
    await platform.inline('follows', 'export default () => process.env.KEY;', { secrets: ['changing'] });
    await platform.ready('follows');
    expect(await platform.call('follows')).toBe('old');

    const patch = (body: object): Promise<unknown> => platform.client.patch(secrets, metadata('changing'), { type: 'merge', body });
    const touch = (note: string): Promise<unknown> => platform.annotate('follows', { note });
    await patch({ metadata: { labels: { team: 'a' } } });
    await touch('looked at again');
    await platform.ready('follows');
    expect(await platform.revisionNames('follows')).toEqual(['follows-00001']);

    await patch({ data: { KEY: base64('new') } });
    await touch('and again');
    await eventually(async () => expect((await platform.function('follows')).status?.latestReadyRevision).toBe('follows-00002'));
    expect(await platform.call('follows')).toBe('new');
    const { items } = await platform.client.list<RevisionResource>(revisions, { namespace: 'default' });
    expect(JSON.stringify(items)).not.toMatch(new RegExp(`${base64('new')}|${base64('old')}`));
  });

  it('are looked at without anybody asking, while there are instances', async () => {
    await makeConfigMap('watched', { KEY: 'old' });
    await platform.inline('watches', 'export default () => process.env.KEY;', { configMaps: ['watched'] });
    await platform.ready('watches');
    expect(await platform.call('watches')).toBe('old');
    const change = (KEY: string): Promise<unknown> =>
      platform.client.patch(configMaps, metadata('watched'), { type: 'merge', body: { data: { KEY } } });
    await change('new');
    await eventually(async () => expect(await platform.call('watches')).toBe('new'), 25_000);
    // Nothing moves any more that could make anybody look.
    await eventually(async () => {
      const { items } = await platform.client.list<Pod>(pods, { namespace: 'default', labelSelector: 'tsumugi.dev/function=watches' });
      expect(items.map((pod) => pod.metadata.labels?.['tsumugi.dev/revision'])).toEqual(['watches-00002']);
    });
    await change('newest');
    await eventually(async () => expect(await platform.call('watches')).toBe('newest'), 25_000);
    // Two looks, and what the waits above allow.
  }, 60_000);
});
