import { expect, test } from 'vitest';
import { jobDefinitionKind } from '../../resources/job-definition.ts';
import { defaulted } from '../../resources/kinds.ts';
import type { JobDefinition, JobDefinitionSpec } from '../../resources/job-definition.ts';
import { planExecution } from './plan.ts';

const definition = (task: object, execution: object = {}): JobDefinitionSpec =>
  defaulted(jobDefinitionKind, {
    apiVersion: 'tsumugi.dev/v1',
    kind: 'JobDefinition',
    metadata: { name: 'j' },
    spec: { template: { spec: { ...execution, template: { spec: task } } } },
  } as unknown as JobDefinition).spec;
const call = { call: { function: 'squares', args: [1] } };
const container = {
  name: 'main',
  image: 'i',
  args: ['a'],
  env: [
    { name: 'A', value: '1' },
    { name: 'B', value: '2' },
  ],
};

test('the least has the defaults of batch', () => {
  expect(planExecution(definition(call))).toEqual({
    taskCount: 1,
    parallelism: 1,
    maxRetries: 3,
    timeoutSeconds: 600,
    graceSeconds: 30,
    concurrencyPolicy: 'Allow',
    call: { function: 'squares', args: [1] },
  });
});

test('there is a task for each item, and an override replaces both', () => {
  const two = definition(call, { items: ['a', 'b'] });
  expect(planExecution(two)).toMatchObject({ taskCount: 2, items: ['a', 'b'] });
  expect(planExecution(two, { items: [1, 2, 3] })).toMatchObject({ taskCount: 3, items: [1, 2, 3] });
  expect(planExecution(two, { taskCount: 5 })).not.toHaveProperty('items');
  expect(() => planExecution(two, { items: [1], taskCount: 2 })).toThrow('there are 1 items for 2 tasks');
});

test('an override wins', () => {
  expect(planExecution(definition(call, { parallelism: 2 }), { parallelism: 8, timeoutSeconds: 5, args: ['x', null] })).toMatchObject({
    parallelism: 8,
    timeoutSeconds: 5,
    call: { args: ['x', null] },
  });
});

test('a container takes arguments and variables', () => {
  const plan = planExecution(definition({ containers: [container] }), { args: ['b'], env: [{ name: 'B', value: '3' }] });
  expect(plan.pod?.containers).toEqual([
    {
      ...container,
      args: ['b'],
      env: [
        { name: 'A', value: '1' },
        { name: 'B', value: '3' },
      ],
    },
  ]);
});

test('what cannot be is refused with its field', () => {
  expect(() => planExecution(definition({ containers: [container] }), { args: [1] })).toThrow(
    expect.objectContaining({ code: 'Invalid', field: 'spec.args[0]' }),
  );
  expect(() => planExecution(definition(call), { env: [{ name: 'A' }] })).toThrow(expect.objectContaining({ field: 'spec.env' }));
});
