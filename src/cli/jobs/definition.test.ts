import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { JobDefinitionSpec } from '../../resources/job-definition.ts';
import { argumentsOf, definition, readItems } from './definition.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsumugi-job-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('flags of a container become its fields', async () => {
  const flags = {
    image: 'host',
    command: ['sh,-c'],
    args: ['echo', 'a,b'],
    env: ['A=1,2'],
    setEnvVars: ['B=3,C='],
    memory: '1Gi',
    tasks: '4',
    parallelism: '2',
    maxRetries: '0',
    taskTimeout: '1m',
    deadline: '1h',
    queueTimeout: '90s',
    concurrencyPolicy: 'Replace',
  };
  expect(await definition(flags, [])).toEqual({
    concurrencyPolicy: 'Replace',
    template: {
      spec: {
        taskCount: 4,
        parallelism: 2,
        activeDeadlineSeconds: 3600,
        queueTimeoutSeconds: 90,
        template: {
          spec: {
            containers: [
              {
                name: 'main',
                image: 'host',
                command: ['sh', '-c'],
                args: ['echo', 'a', 'b'],
                env: [
                  { name: 'A', value: '1,2' },
                  { name: 'B', value: '3' },
                  { name: 'C', value: '' },
                ],
                resources: { limits: { memory: '1Gi' } },
              },
            ],
            maxRetries: 0,
            timeoutSeconds: 60,
          },
        },
      },
    },
  });
});

test('a change leaves the rest as it is', async () => {
  const volumes = [{ name: 'data', emptyDir: {} }];
  const present = {
    concurrencyPolicy: 'Forbid',
    template: {
      metadata: { labels: { a: 'b' } },
      spec: {
        parallelism: 3,
        template: {
          spec: {
            containers: [{ name: 'c', image: 'host', env: [{ name: 'A', value: '1' }], lifecycle: {} }],
            volumes,
            maxRetries: 1,
          },
        },
      },
    },
  } as unknown as JobDefinitionSpec;
  expect(await definition({ env: ['B=2'], tasks: '2' }, [], present)).toEqual({
    concurrencyPolicy: 'Forbid',
    template: {
      metadata: { labels: { a: 'b' } },
      spec: {
        parallelism: 3,
        taskCount: 2,
        template: {
          spec: {
            containers: [
              {
                name: 'c',
                image: 'host',
                env: [
                  { name: 'A', value: '1' },
                  { name: 'B', value: '2' },
                ],
                lifecycle: {},
              },
            ],
            volumes,
            maxRetries: 1,
          },
        },
      },
    },
  });
});

test.each([
  [['1,2'], [1, 2]],
  [
    ['a,true', 'null'],
    ['a', true, null],
  ],
  [['[1,"b"]'], [1, 'b']],
  [['{"a":1,"b":2}'], [{ a: 1, b: 2 }]],
  [['"a,b"'], ['a,b']],
  [[''], ['']],
])('arguments %j of a function are %j', (given, values) => {
  expect(argumentsOf(given)).toEqual(values);
});

test.each([
  ['[1, {"a": null}]', [1, { a: null }]],
  ['1\n\nb\n{"c":2}\n', [1, 'b', { c: 2 }]],
  ['"one"', ['one']],
])('a file %j has items %j', async (text, items) => {
  const file = join(folder, 'items');
  writeFileSync(file, text);
  expect(await readItems(file)).toEqual(items);
});

test.each([
  [{}, 'a job needs a container or a function', 'tsumugi job create NAME --image IMAGE, or --function NAME'],
  [{ image: 'host', function: 'square' }, 'a job has a container or a function, not both', 'give --image or --function'],
  [{ function: 'square', env: ['A=b'] }, '--env is for containers', 'say it of the function: tsumugi deploy FILE --name square'],
  [{ image: 'host', tasks: '0' }, '--tasks is "0"', 'allowed: a whole number from 1 on'],
  [{ image: 'host', concurrencyPolicy: 'Maybe' }, '--concurrency-policy is "Maybe"', 'allowed: Allow, Forbid, Replace'],
])('flags %j are refused', async (flags, message, hint) => {
  await expect(definition(flags, [])).rejects.toMatchObject({ code: 'Usage', message, hint });
});
