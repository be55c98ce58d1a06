import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe } from 'vitest';

import { runContract } from '../runs.contract.ts';
import { openSqliteRuns } from './runs.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-runs-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('runs in SQLite', () => {
  runContract(async () => openSqliteRuns(join(folder, 'records.db')));
});
