/**
 * Blobs as files: `<folder>/sha256/<2 hex>/<62 hex>`. One machine, one writing process.
 *
 * A blob is written to `<folder>/tmp`, synced, then renamed, so a reader sees all of it or nothing, whenever the power goes.
 * What must not come between (looking at a blob's time and deleting it; a fence and what it guards) is done in one turn of the
 * event loop: there is no other writer.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { assertBlobId, blobId } from '../blob-id.ts';
import type { BlobStore, StoredBlob } from '../blobs.ts';
import { type Fence, fencedOff } from '../fence.ts';

/** Opens (and makes) the folder. What a crash left half-written is removed. */
export async function openFileBlobs(folder: string): Promise<BlobStore> {
  const temporary = join(folder, 'tmp');
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true, mode: 0o700 });

  const pathOf = (id: string): string => {
    const hex = assertBlobId(id);
    return join(folder, 'sha256', hex.slice(0, 2), hex.slice(2));
  };

  const has = async (id: string): Promise<boolean> =>
    stat(pathOf(id)).then(
      () => true,
      () => false,
    );

  async function put(bytes: Uint8Array): Promise<string> {
    const id = blobId(bytes);
    const path = pathOf(id);
    if (touch(path)) return id;
    const half = join(temporary, randomUUID());
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    try {
      const file = await open(half, 'wx', 0o600);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(half, path);
    } catch (error) {
      // A full disk gets its room back.
      await rm(half, { force: true });
      throw error;
    }
    await syncFolder(dirname(path));
    return id;
  }

  async function get(id: string): Promise<Uint8Array | undefined> {
    try {
      // At once: four turns through the thread pool cost a cold start more than the read, and the database is read so too.
      const bytes = readFileSync(pathOf(id));
      // A disk that lost bytes must not become code that runs.
      return blobId(bytes) === id ? bytes : undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async function list({ after = '', limit }: { readonly after?: string; readonly limit: number }): Promise<StoredBlob[]> {
    const from = after.slice('sha256:'.length);
    const found: StoredBlob[] = [];
    for (const first of await namesIn(join(folder, 'sha256'))) {
      if (first < from.slice(0, 2)) continue;
      for (const rest of await namesIn(join(folder, 'sha256', first))) {
        if (first + rest <= from) continue;
        if (found.length >= limit) return found;
        const { mtimeMs } = await stat(join(folder, 'sha256', first, rest)).catch(() => ({ mtimeMs: undefined }));
        // Deleted in the meantime.
        if (mtimeMs !== undefined) found.push({ id: `sha256:${first}${rest}`, putAt: mtimeMs });
      }
    }
    return found;
  }

  return {
    list,
    put: (all) => Promise.all(all.map(put)),
    get: (ids) => Promise.all(ids.map(get)),
    has: (ids) => Promise.all(ids.map(has)),
    delete: async (ids, { putBefore = Infinity, fence } = {}) => {
      const paths = ids.map((id) => ({ id, path: pathOf(id) }));
      if (fence) checkFence(folder, fence);
      return paths.filter(({ path }) => removeOlder(path, putBefore)).map(({ id }) => id);
    },
  };
}

/** Marks the file as put now; false when there is none. */
function touch(path: string): boolean {
  const now = new Date();
  try {
    utimesSync(path, now, now);
    return true;
  } catch {
    return false;
  }
}

/** True when it was there and is not any more. */
function removeOlder(path: string, putBefore: number): boolean {
  const mtimeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  if (mtimeMs === undefined || mtimeMs >= putBefore) return false;
  rmSync(path, { force: true });
  return true;
}

/** The epochs are one small file. */
function checkFence(folder: string, fence: Fence): void {
  const file = join(folder, 'fences.json');
  let known: Record<string, number> = {};
  try {
    known = JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const highest = known[fence.scope] ?? 0;
  if (highest > fence.epoch) throw fencedOff(fence);
  if (highest === fence.epoch) return;
  const half = join(folder, 'tmp', randomUUID());
  writeFileSync(half, JSON.stringify({ ...known, [fence.scope]: fence.epoch }), { mode: 0o600, flush: true });
  renameSync(half, file);
}

/** Sorted; none where there is no folder. */
async function namesIn(path: string): Promise<string[]> {
  const names: string[] = await readdir(path).catch(() => []);
  return names.toSorted();
}

/** A rename is durable only when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
