import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { blobContract } from '../blobs.contract.ts';
import { openFileBlobs } from './blobs.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-blobs-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('blobs as files', () => {
  blobContract(() => openFileBlobs(folder));

  it('does not hand out bytes that the disk has spoilt', async () => {
    const store = await openFileBlobs(folder);
    const [id] = (await store.put([new TextEncoder().encode('good')])) as [string];
    writeFileSync(join(folder, 'sha256', id.slice(7, 9), id.slice(9)), 'evil');
    expect(await store.get([id])).toEqual([undefined]);
  });

  it('removes what a crash left half-written', async () => {
    await openFileBlobs(folder);
    writeFileSync(join(folder, 'tmp', 'half'), 'ha');
    await openFileBlobs(folder);
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });
});
