/** What the documents say is what the code does. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/main.ts';
import { errorTable } from '../../src/base/errors.ts';
import { withMetricsTable } from '../../scripts/metrics.ts';
import { settingTable } from '../../src/processes/settings.ts';
import { cleanUp, tsumugi } from '../e2e/platform.ts';

const read = (file: string): string => readFileSync(file, 'utf8');
afterAll(cleanUp);

test('docs/errors.md has the table of the code', () => {
  const again = { never: 'no', later: 'later', reread: 'after reading it again' };
  const rows = Object.entries(errorTable).map(
    ([code, { status, retry, says }]) => `| \`${code}\` | ${status} | ${again[retry]} | ${says} |`,
  );
  expect(
    read('docs/errors.md')
      .split('\n')
      .filter((line) => line.startsWith('| `')),
  ).toEqual(rows);
});

test('docs/cli.md has every setting of up, with its variable and default', () => {
  const rows = settingTable.map(({ flag, variable, fallback }) => `| \`${flag.split(' ')[0]}\` | \`${variable}\` | \`${fallback}\` |`);
  expect(
    read('docs/cli.md')
      .split('\n')
      .filter((line) => line.startsWith('| `--')),
  ).toEqual(rows);
});

test('docs/operations.md has every metric, as the registries tell it', () => {
  const text = read('docs/operations.md');
  expect(withMetricsTable(text)).toBe(text);
  expect(text).toContain('| `tsumugi_activation_duration_seconds` | histogram | control plane |');
});

test.each(['install', 'uninstall'])('docs/kubernetes.md has every flag of %s', async (command) => {
  const { stdout } = await tsumugi([command, '--help']);
  const flags = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag = '']) => flag).filter((flag) => flag !== '--help');
  expect(flags.length).toBeGreaterThan(4);
  const text = read('docs/kubernetes.md');
  expect(flags.filter((flag) => !text.includes(flag))).toEqual([]);
});

describe('every command', () => {
  test('is in docs/cli.md, and has examples in its help', async () => {
    const help = (await tsumugi(['--help'])).stdout.split('Examples:')[0] ?? '';
    const commands = [...help.matchAll(/^ {2}([a-z]+)[ |]/gm)]
      .map(([, name = '']) => name)
      .filter((name) => name !== 'help' && name !== 'tsumugi');
    expect(commands).toEqual([
      'up',
      'deploy',
      'invoke',
      'call',
      'run',
      'types',
      'logs',
      'get',
      'describe',
      'wait',
      'apply',
      'delete',
      'fn',
      'route',
      'runtime',
      'job',
      'execution',
      'task',
      'events',
      'kubeconfig',
      'completion',
      'images',
      'install',
      'uninstall',
      'controller',
      'gateway',
      'version',
    ]);
    const text = read('docs/cli.md');
    for (const name of commands) {
      expect(text).toMatch(new RegExp(`tsumugi [a-z|\\\\]*\\b${name}\\b`));
    }
    const program = createProgram(() => undefined);
    for (const command of leaves(program)) expect(helpOf(command), command.name()).toContain('Examples:');
  });
});

/** The commands that do something. */
const leaves = (command: Command): readonly Command[] => {
  const visible = command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== 'help');
  return visible.flatMap((each) => (each.commands.length > 0 ? leaves(each) : [each]));
};

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text;
}

test('the first screen of the README has the two commands, and they exist', () => {
  const screen = read('README.md').split('\n').slice(0, 12).join('\n');
  expect(screen).toContain('npm ci && npm start');
  expect(screen).toContain('npm ci && npm test');
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  for (const [, name = ''] of read('CONTRIBUTING.md').matchAll(/npm run ([a-z:-]+)/g)) expect(scripts).toHaveProperty([name]);
});

test('links and files that the documents name exist', () => {
  for (const file of [
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'docs/cli.md',
    'docs/client.md',
    'docs/functions.md',
    'docs/jobs.md',
    'docs/errors.md',
    'docs/operations.md',
  ]) {
    const text = read(file);
    for (const [, target = ''] of text.matchAll(/\]\(([^)#:]+)\)/g))
      expect(existsSync(join(dirname(file), target)), `${file}: ${target}`).toBe(true);
    // Code files are named from src/.
    for (const [, path = ''] of text.matchAll(/`([a-z-]+\/[a-z/-]+\.ts)`/g))
      expect(existsSync(path) || existsSync(join('src', path)), `${file}: ${path}`).toBe(true);
  }
});
