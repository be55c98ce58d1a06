import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe } from 'vitest';

import { storeContract } from '../store.contract.ts';
import { openSqliteStore } from './store.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-store-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the key-value store in SQLite', () => {
  storeContract(async () => openSqliteStore(join(folder, 'records.db')));
});
