import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { chartFiles, chartFolder } from '../../scripts/chart.ts';

test('the Helm chart is what scripts/chart.ts makes of the manifests', () => {
  for (const [path, text] of chartFiles) expect(readFileSync(new URL(path, chartFolder), 'utf8'), path).toBe(text);
  const there = globSync('**/*.*', { cwd: fileURLToPath(chartFolder), exclude: ['crds/**'] });
  expect(there.sort()).toEqual([...chartFiles.keys()].sort());
});
