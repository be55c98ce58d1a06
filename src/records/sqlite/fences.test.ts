import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe } from 'vitest';

import { fenceContract } from '../fence.contract.ts';
import { openSqliteFences } from './fences.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-fences-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('fences in SQLite', () => {
  fenceContract(async () => openSqliteFences(join(folder, 'records.db')));
});
