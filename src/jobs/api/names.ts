/** Names of the jobs API: `namespaces/N/jobs/J/executions/E/tasks/T`. `-` in them means any. */
import { TsumugiError } from '../../base/errors.ts';

export interface JobName {
  readonly namespace: string;
  readonly job: string;
}

export interface ExecutionName extends JobName {
  readonly execution: string;
}

export interface TaskName extends ExecutionName {
  readonly index: number;
}

/** Of a namespace, as the parent of jobs. */
export const parseNamespace = (field: string, name: string | undefined): string => parse(field, name, ['namespaces'])[0];

export function parseJob(field: string, name: string | undefined): JobName {
  const [namespace, job] = parse(field, name, ['namespaces', 'jobs']);
  return { namespace, job };
}

export function parseExecution(field: string, name: string | undefined): ExecutionName {
  const [namespace, job, execution] = parse(field, name, ['namespaces', 'jobs', 'executions']);
  return { namespace, job, execution };
}

export function parseTask(field: string, name: string | undefined): TaskName {
  const [namespace, job, execution, task] = parse(field, name, ['namespaces', 'jobs', 'executions', 'tasks']);
  if (!/^\d{1,9}$/.test(task)) throw wrong(field, name, 'the task is its index');
  return { namespace, job, execution, index: Number(task) };
}

export const namespaceName = (namespace: string): string => `namespaces/${namespace}`;
export const jobName = ({ namespace, job }: JobName): string => `${namespaceName(namespace)}/jobs/${job || '-'}`;
export const executionName = (name: ExecutionName): string => `${jobName(name)}/executions/${name.execution}`;
export const taskName = (name: TaskName): string => `${executionName(name)}/tasks/${name.index}`;

/** Of all that is meant by `-`. */
export const unlessAny = (part: string): string | undefined => (part === '-' ? undefined : part);

/** One part for each collection. */
type Parts<C extends readonly string[]> = { readonly [I in keyof C]: string };

function parse<const C extends readonly string[]>(field: string, name: string | undefined, collections: C): Parts<C> {
  const parts = (name ?? '').split('/');
  const fits = parts.length === collections.length * 2 && collections.every((each, index) => parts[index * 2] === each);
  const values = parts.filter((_, index) => index % 2 === 1);
  if (!fits || !values.every((value) => /^(-|[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)$/.test(value)))
    throw wrong(field, name, `the form is ${collections.map((each) => `${each}/${each.slice(0, -1).toUpperCase()}`).join('/')}`);
  return values as unknown as Parts<C>;
}

const wrong = (field: string, name: string | undefined, why: string): TsumugiError =>
  new TsumugiError('Invalid', name ? `${field} is "${name}": ${why}` : `${field} is missing: ${why}`, { field });
