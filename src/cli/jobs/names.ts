/** Executions and tasks as users name them: `squares-x7k2p`, `squares-x7k2p/3`. */
import { TsumugiError } from '../../base/errors.ts';

/** The name that the API knows; its job need not be known. */
export const executionPath = (namespace: string, execution: string): string => `namespaces/${namespace}/jobs/-/executions/${execution}`;

export function taskPath(namespace: string, task: string): string {
  const [execution = '', index = '', ...more] = task.split('/');
  if (execution === '' || !/^\d+$/.test(index) || more.length > 0)
    throw new TsumugiError('Usage', `"${task}" is no EXECUTION/INDEX`, {
      hint: 'as squares-x7k2p/0; `tsumugi task list EXECUTION` shows them',
    });
  return `${executionPath(namespace, execution)}/tasks/${index}`;
}
