import { once } from 'node:events';
import { mkdtemp, mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { clearPlaceFolder, makePlaceFolder, removeTree, takeSocket } from './place-folder.ts';

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'place-')), 'place');
  makePlaceFolder(folder, undefined);
});
afterEach(() => rm(join(folder, '..'), { recursive: true }));

it('takes the socket of a program out of its reach', async () => {
  const server = createServer().listen(join(folder, 's/s'));
  await once(server, 'listening');
  await takeSocket(folder);
  expect((await stat(join(folder, 'socket'))).isSocket()).toBe(true);
  expect(await readdir(join(folder, 's'))).toEqual([]);
  server.close();
});

it('refuses a link to another socket', async () => {
  const other = join(folder, '..', 'platform.sock');
  const server = createServer().listen(other);
  await once(server, 'listening');
  await symlink(other, join(folder, 's/s'));
  await expect(takeSocket(folder)).rejects.toThrow('no socket');
  expect(await readdir(folder)).not.toContain('socket');
  server.close();
});

it('clears all but the logs, however deep and closed', async () => {
  await mkdir(join(folder, 'work/a/b'), { recursive: true });
  await mkdir(join(folder, 'tmp/closed'), { mode: 0 });
  await writeFile(join(folder, '0.log'), '');
  await writeFile(join(folder, '0.log.1'), '');
  await clearPlaceFolder(folder);
  expect((await readdir(folder)).sort()).toEqual(['0.log', '0.log.1']);
  await removeTree(folder);
  await expect(stat(folder)).rejects.toThrow('ENOENT');
});
