/** Disks that are full, read-only or broken: who asks is told what to do, nothing is acknowledged that is not there, and it goes on by itself. */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { openEmbeddedApi } from '../../src/embedded/api/index.ts';
import { configMaps } from '../../src/resources/resources.ts';
import { ApiError } from '../../src/resources/object.ts';
import { cleanUp, eventually, startPlatform, temporaryFolder, tsumugi } from '../e2e/platform.ts';

const mounts: string[] = [];

/** A disk of its own; undefined where this user may not mount one. */
function smallDisk(megabytes: number): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'tsumugi-disk-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tsumugi-test', folder]);
  if (status === 0) mounts.push(folder);
  else rmSync(folder, { recursive: true });
  return status === 0 ? folder : undefined;
}

function unmountAll(): void {
  for (const folder of mounts.splice(0)) {
    execFileSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true });
  }
}

/** Takes all the room that is left. */
function fill(folder: string): () => void {
  const file = join(folder, 'filler');
  const handle = openSync(file, 'w');
  for (let size = 1 << 20; size >= 1; size >>= 1)
    try {
      for (;;) if (writeSync(handle, Buffer.alloc(size)) < size) break;
    } catch {
      // Smaller pieces may still go in.
    }
  closeSync(handle);
  return () => rmSync(file);
}

const probe = smallDisk(1);
unmountAll();
/** Said in the name of what is skipped. */
const noMount = probe === undefined;
const asRoot = noMount ? ' (skipped: mounting a disk needs root)' : '';

afterEach(async () => {
  await cleanUp();
  unmountAll();
});
afterAll(cleanUp);

const configMap = (name: string, size = 10) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'default', name },
  data: { fill: 'x'.repeat(size) },
});

describe('a full disk', () => {
  test.skipIf(noMount)(
    `is answered with 507 and what to do; with room again writes go on, and all that was acknowledged is there${asRoot}`,
    async () => {
      const data = smallDisk(4)!;
      const api = await openEmbeddedApi({ data, listen: false });
      const made: string[] = [];
      const refused = await (async () => {
        try {
          for (;;) made.push((await api.client.create(configMaps, configMap(`c${made.length}`, 100_000))).metadata.name);
        } catch (error) {
          return error;
        }
      })();
      expect(refused).toBeInstanceOf(ApiError);
      expect((refused as ApiError).status).toMatchObject({ code: 507, reason: 'InsufficientStorage', status: 'Failure' });
      expect((refused as ApiError).message).toMatch(/disk of the data folder is full: make room/);
      const names = async (): Promise<string[]> =>
        (await api.client.list(configMaps, { namespace: 'default' })).items
          .map(({ metadata }) => metadata.name)
          .filter((name) => name.startsWith('c'));
      expect((await names()).toSorted()).toEqual(made.toSorted());
      execFileSync('mount', ['-o', 'remount,size=32m', data]);
      await api.client.create(configMaps, configMap('c-after', 100_000));
      await api.close();
      const again = await openEmbeddedApi({ data, listen: false });
      const { items } = await again.client.list(configMaps, { namespace: 'default' });
      expect(items.map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining([...made, 'c-after']));
      await again.close();
    },
  );

  test.skipIf(noMount)(`stops no function of a whole platform, and no process${asRoot}`, async () => {
    const data = join(smallDisk(48)!, 'data');
    const platform = await startPlatform({ data });
    await platform.deploy('hello', 'export default () => "hello";');
    expect(await (await platform.fetch('/function/hello')).text()).toBe('hello');
    const before = platform.processes();
    const release = fill(join(data, '..'));
    const make = (name: string): Promise<{ code: number | null; stderr: string }> =>
      platform.tsumugi('deploy', fileOf(name), '--name', name);
    const { code, stderr } = await make('other');
    expect(code).toBe(1);
    expect(stderr).toMatch(/make room/);
    for (let i = 0; i < 20; i++) expect(await (await platform.fetch('/function/hello')).text()).toBe('hello');
    release();
    await eventually('it takes functions again', async () => (await make('other')).code === 0);
    expect(await (await platform.fetch('/function/other')).text()).toBe('other');
    expect(platform.processes()).toEqual(before);
    expect(await platform.stop()).toBe(0);
  });

  test.skipIf(noMount)(`is told by \`up\`${asRoot}`, async () => {
    const disk = smallDisk(1)!;
    fill(disk);
    const { code, stderr } = await upOn(join(disk, 'data'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/full|no space/i);
  });
});

describe('a read-only disk', () => {
  test.skipIf(noMount)(`is told by \`up\`, and what to do${asRoot}`, async () => {
    const disk = smallDisk(32)!;
    const data = join(disk, 'data');
    const first = await startPlatform({ data });
    expect(await first.stop()).toBe(0);
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    const { code, stderr } = await upOn(data);
    expect(code).toBe(1);
    expect(stderr).toMatch(/read-only|cannot be written/i);
    execFileSync('mount', ['-o', 'remount,rw', disk]);
    const second = await startPlatform({ data });
    expect(await second.stop()).toBe(0);
  });
});

describe('a corrupt database', () => {
  test('is refused at the start with what to do, and left as it is', async () => {
    const data = join(temporaryFolder(), 'data');
    const api = await openEmbeddedApi({ data, listen: false });
    for (let i = 0; i < 50; i++) await api.client.create(configMaps, configMap(`c${i}`, 5000));
    await api.close();
    const file = join(data, 'api.db');
    const handle = openSync(file, 'r+');
    for (let at = 8192; at < statSync(file).size; at += 4096) writeSync(handle, Buffer.alloc(512, 0xab), 0, 512, at);
    closeSync(handle);
    const broken = readFileSync(file);
    const { code, stderr } = await upOn(data);
    expect(code).toBe(1);
    expect(stderr).toContain(`${file} is corrupt`);
    expect(stderr).toMatch(/\.recover/);
    expect(readFileSync(file).equals(broken)).toBe(true);
  });

  test('of records is told in the same way', async () => {
    const data = temporaryFolder();
    writeFileSync(join(data, 'records.db'), 'no database'.repeat(1000));
    const { code, stderr } = await upOn(data);
    expect(code).toBe(1);
    expect(stderr).toMatch(/records\.db is corrupt/);
  });

  test('that is no database at all is refused in the same way', async () => {
    const data = temporaryFolder();
    writeFileSync(join(data, 'api.db'), 'no database'.repeat(1000));
    const { code, stderr } = await upOn(data);
    expect(code).toBe(1);
    expect(stderr).toMatch(/api\.db is corrupt \(file is not a database\)/);
  });
});

describe('a disk that does not take what was written', () => {
  test('nothing of it is acknowledged or shown, and the process ends', () => {
    const program = `
      import { openSqliteStore } from ${JSON.stringify(new URL('../../src/embedded/storage/sqlite/store.ts', import.meta.url).href)};
      let syncs = 0;
      const sync = async () => { syncs += 1; await new Promise((r) => setTimeout(r, 20)); if (syncs === 2) throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO', syscall: 'fdatasync' }); };
      const store = openSqliteStore({ data: process.argv[1], sync });
      const index = { labels: {}, fields: {}, cells: [], owners: [] };
      const put = (name) => store.write([{ key: { resource: 'r', namespace: '', name }, expect: 0, next: () => ({ uid: 'u', text: 't', index }) }]);
      store.subscribe((changes) => console.log('told', changes.map(({ row }) => row.name).join()));
      const say = (what) => [() => console.log(what, 'done'), (error) => console.log(what, error.name, error.kind)];
      process.on('uncaughtException', (error) => { console.log('ends:', error.message); process.exit(7); });
      await put('a');
      const all = [put('b').then(...say('b'))];
      await new Promise((r) => setTimeout(r, 5));
      all.push(put('c').then(...say('c')), store.get([{ resource: 'r', namespace: '', name: 'b' }]).then(...say('read')), store.list({ resource: 'r' }).then(...say('list')));
      await Promise.all(all);
      await put('d').then(...say('d'));
      await store.close();
      await new Promise((r) => setTimeout(r, 1000));`;
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program, temporaryFolder()], { encoding: 'utf8' });
    expect(stdout.trim().split('\n').toSorted()).toEqual(
      [
        'told a',
        ...['b', 'c', 'd', 'list', 'read'].map((what) => `${what} StorageFailed unusable`),
        'ends: the disk did not take what was written',
      ].toSorted(),
    );
    expect(status).toBe(7);
  });
});

function fileOf(name: string): string {
  const file = join(temporaryFolder(), `${name}.ts`);
  writeFileSync(file, `export default () => ${JSON.stringify(name)};`);
  return file;
}

/** `up` that is expected to end by itself. */
const upOn = (data: string): ReturnType<typeof tsumugi> =>
  tsumugi(['up', '--data', data, '--port', '0', '--api-port', '0', '--platform-port', '0', '--metrics-port', '0']);
