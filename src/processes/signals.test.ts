import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';

const program = `
import { onSignals } from ${JSON.stringify(new URL('./signals.ts', import.meta.url).href)};
const signals = onSignals();
const hold = setTimeout(() => {}, 30_000);
console.log('waits');
await signals.first;
console.log('ends');
clearTimeout(hold);
signals.close();
`;

test('a program that npm started ends with npm, though nobody passes the signal on', async () => {
  // As npm does it: a shell between, that gets the signal and dies of it.
  const shell = spawn('sh', ['-c', '"$0" --input-type=module -e "$1"; true', process.execPath, program], {
    env: { ...process.env, npm_command: 'run-script' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: shell.stdout })[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe('waits');
  const gone = once(shell, 'exit');
  shell.kill('SIGTERM');
  await gone;
  expect((await lines.next()).value).toBe('ends');
  expect((await lines.next()).done).toBe(true);
});
