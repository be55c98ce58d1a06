/**
 * The two folders of a platform: the data folder, and the run folder for sockets, whose path must be short
 * (a unix socket's path has at most 108 characters). `<data>/run` is a link to it.
 */
import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type PlatformFile, readPlatformFile } from '../client/data-folder.ts';
import { hostPart } from '../base/host.ts';
import { toError, TsumugiError } from '../base/errors.ts';
import type { RoleSettings } from './settings.ts';
import { packageVersion } from './version.ts';

/** Makes both folders (0700 the run folder) and the link; answers their real paths. */
export function prepareFolders(data: string): { data: string; run: string } {
  try {
    makeFolder(resolve(data));
    accessSync(data, constants.W_OK);
  } catch (error) {
    throw new TsumugiError('Invalid', `the data folder ${data} cannot be made or written: ${toError(error).message}`, {
      hint: 'choose another with --data',
      cause: error,
    });
  }
  const realData = realpathSync(data);
  const uid = process.getuid?.() ?? 0;
  const xdg = process.env['XDG_RUNTIME_DIR'];
  const parent =
    xdg && xdg.length < 40 && isOurs(xdg, uid) ? join(xdg, 'tsumugi') : join(tmpdir().length < 40 ? tmpdir() : '/tmp', `tsumugi-${uid}`);
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  if (!isOurs(parent, uid))
    throw new TsumugiError('Invalid', `${parent} belongs to somebody else`, { hint: 'set XDG_RUNTIME_DIR to a folder of yours' });
  chmodSync(parent, 0o700);
  const run = join(realpathSync(parent), createHash('sha256').update(realData).digest('hex').slice(0, 8));
  mkdirSync(run, { recursive: true, mode: 0o700 });
  const link = join(realData, 'run');
  if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() && readlinkSync(link) !== run) rmSync(link);
  if (!existsSync(link)) {
    rmSync(link, { force: true });
    symlinkSync(run, link);
  }
  return { data: realData, run };
}

/** As `recursive: true`, which never ends where the kernel makes no folder, as in /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

function isOurs(folder: string, uid: number): boolean {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  return stat !== undefined && stat.isDirectory() && stat.uid === uid;
}

/**
 * One platform per data folder: an exclusive lock that the kernel gives back however we end. Throws Conflict when it is held.
 * SQLite is the portable way to such a lock: Node itself has none.
 */
export function lockData(data: string): { release(): void } {
  const database = new DatabaseSync(join(data, 'up.lock'));
  try {
    database.exec('PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    const other = readPlatformFile(data);
    throw new TsumugiError(
      'Conflict',
      `another \`tsumugi up\` ${other ? `(pid ${other.pid}, gateway ${other.gateway}) ` : ''}runs on ${data}`,
      {
        hint: 'use it, stop it, or start this one with another --data (and --port, --api-port)',
        cause: error,
      },
    );
  }
  return { release: () => database.close() };
}

export function writePlatformFile(run: string, file: PlatformFile): void {
  const path = join(run, 'platform.json');
  writeFileSync(`${path}.new`, `${JSON.stringify(file, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

export function removePlatformFile(run: string): void {
  rmSync(join(run, 'platform.json'), { force: true });
}

/** What there is to tell of a platform with these settings. */
export function platformFile(settings: RoleSettings): PlatformFile {
  const url = (scheme: string, host: string, port: number): string => `${scheme}://${reachable(host)}:${port}`;
  return {
    version: packageVersion(),
    pid: process.pid,
    data: settings.data,
    gateway: url('http', settings.host, settings.port),
    api: url('https', settings.apiHost, settings.apiPort),
    platform: url('https', settings.apiHost, settings.platformPort),
    metrics: `http://127.0.0.1:${settings.metricsPort}/metrics`,
    socket: join(settings.run, 'platform.sock'),
    domain: settings.domain,
  };
}

/** As part of a URL; who listens on every address is reached on loopback from here. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return hostPart(host);
}
