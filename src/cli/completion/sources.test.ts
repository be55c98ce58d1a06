import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../main.ts';
import { complete } from './complete.ts';
import { readLine } from './line.ts';
import { byCommand, byFlag, pathOf } from './sources.ts';

const program = createProgram(() => undefined);
const all = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(all)];
const commands = all(program).slice(1);

test('the tables name flags and commands that there are', () => {
  const flags = new Set(commands.flatMap(({ options }) => options.map(({ long }) => long)));
  expect(Object.keys(byFlag).filter((flag) => !flags.has(flag))).toEqual([]);
  const paths = new Set(commands.map(pathOf));
  expect(Object.keys(byCommand).filter((path) => !paths.has(path))).toEqual([]);
});

test('of every argument it is known what it may be, but of new names', () => {
  const unknown = commands.filter((command) => command.registeredArguments.length > 0 && !byCommand[pathOf(command)]);
  expect(unknown.map(pathOf).toSorted()).toEqual(['__complete', 'fn create', 'job create', 'route create', 'runtime create']);
});

describe('a line', () => {
  test.each([
    [['dep'], 'tsumugi', [], 'dep'],
    [['fn', 'delete', 'a', 'b'], 'delete', ['a'], 'b'],
    [['function', ''], 'fn', [], ''],
    [['get', '-o', 'json', 'fn', 'x'], 'get', ['fn'], 'x'],
    [['get', '-ojson', '--namespace=shop', 'fn', ''], 'get', ['fn'], ''],
    [['call', 'f', '--', '--x', ''], 'call', ['f', '--x'], ''],
    [['get', 'fn', 'get', ''], 'get', ['fn', 'get'], ''],
  ])('%j', (typed, name, words, current) => {
    const line = readLine(program, typed);
    expect([line.command.name(), line.words, line.current]).toEqual([name, words, current]);
  });

  test.each([
    [['get', '-o', 'j'], '--output', 'j', ''],
    [['get', '--output=j'], '--output', 'j', '--output='],
    [['deploy', 'a.ts', '--secret', ''], '--secret', '', ''],
  ])('%j wants a value', (typed, option, current, prefix) => {
    const line = readLine(program, typed);
    expect([line.option?.long, line.current, line.prefix]).toEqual([option, current, prefix]);
  });
});

test('options that are there are not offered again, unless they may be given again', async () => {
  const offered = async (...typed: string[]): Promise<readonly string[]> =>
    (await complete(program, typed)).candidates.map(({ value }) => value);
  expect(await offered('deploy', '--min-scale', '1', '--env', 'A=b', '--m')).toEqual(['--max-scale']);
  expect(await offered('deploy', '--env', 'A=b', '--en')).toEqual(['--env']);
  expect(await offered('call', 'f', '--', '--n')).toEqual([]);
});
