import { expect, test } from 'vitest';
import { executionName, jobName, parseExecution, parseJob, parseNamespace, parseTask, taskName } from './names.ts';

test('names are taken apart and put together', () => {
  const task = { namespace: 'shop', job: 'report', execution: 'report-x7k2p', index: 12 };
  const name = 'namespaces/shop/jobs/report/executions/report-x7k2p/tasks/12';
  expect(parseTask('name', name)).toEqual(task);
  expect(taskName(task)).toBe(name);
  expect(parseExecution('name', executionName(task))).toEqual({ namespace: 'shop', job: 'report', execution: 'report-x7k2p' });
  expect(parseJob('parent', 'namespaces/-/jobs/-')).toEqual({ namespace: '-', job: '-' });
  expect(parseNamespace('parent', 'namespaces/shop')).toBe('shop');
});

test('what is of no job has a name, too', () => {
  expect(jobName({ namespace: 'shop', job: '' })).toBe('namespaces/shop/jobs/-');
});

test.each([
  [undefined, /^name is missing: the form is namespaces\/NAMESPACE\/jobs\/JOB$/],
  ['report', /^name is "report": the form is/],
  ['namespaces/shop/jobs/', /the form is/],
  ['namespaces/shop/jobs/a/b', /the form is/],
  ['projects/shop/jobs/a', /the form is/],
  ['namespaces/../jobs/a', /the form is/],
  ['namespaces/shop/jobs/A', /the form is/],
])('%j is no name of a job', (name, message) => {
  expect(() => parseJob('name', name)).toThrow(message);
});

test('a task is an index', () => {
  expect(() => parseTask('name', 'namespaces/a/jobs/b/executions/c/tasks/first')).toThrow(/the task is its index/);
});
