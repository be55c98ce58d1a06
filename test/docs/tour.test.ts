/** The README's second tour: each command is run as it stands there, and says what its comment says. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { findKubectl } from '../e2e/kubectl.ts';
import { cleanUp, startPlatform } from '../e2e/platform.ts';

afterAll(cleanUp);

const section = readFileSync('README.md', 'utf8').split('\n## A function in a shell script\n')[1]?.split('\n## ')[0] ?? '';
const blocks = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
const script = blocks.find((block) => block.startsWith('#!'));

test('the script is the one of the examples', () => {
  expect(script).toBe(readFileSync('examples/counter/counter.sh', 'utf8'));
});

test('each command does what it says', async ({ skip }) => {
  const found = await findKubectl();
  if ('missing' in found) skip(found.missing);
  const platform = await startPlatform();
  const env = {
    ...process.env,
    PATH: [dirname(process.execPath), dirname((found as { path: string }).path), process.env['PATH']].join(delimiter),
    TSUMUGI_DATA: platform.data,
    KUBECONFIG: platform.kubeconfig,
  };
  const run = (line: string): Promise<string> => {
    const command = line.replace('http://127.0.0.1:8080', platform.gateway).replace('npx tsumugi', 'node bin/tsumugi.js');
    return new Promise((resolve, reject) => {
      execFile('bash', ['--norc', '-euc', command], { env }, (error, stdout, stderr) => (error ? reject(error) : resolve(stdout + stderr)));
    });
  };
  const lines = blocks.filter((block) => block !== script).flatMap((block) => block.trimEnd().split('\n'));
  expect(lines.length).toBeGreaterThan(7);
  for (const line of lines) {
    const [command = '', comment = ''] = line.split(/ +# /);
    const said = await run(command);
    // `1`, `2: and why`
    const [, exactly] = /^(\d+)(?::|$)/.exec(comment) ?? [];
    if (exactly !== undefined) expect(said.trim(), command).toBe(exactly);
    for (const [, part = ''] of comment.matchAll(/`([^`]+)`/g)) expect(said, command).toContain(part);
  }
  expect(await platform.stop()).toBe(0);
});
