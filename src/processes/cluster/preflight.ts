/** Whether the API server has our kinds and lets us read what functions are made of. */
import { toError, TsumugiError } from '../../base/errors.ts';
import { label } from '../../functions/model/names.ts';
import type { KubeClient, ListOptions } from '../../kube/client.ts';
import { ApiError, isNotFound, type Resource } from '../../resources/object.ts';
import { executions, functions, jobDefinitions, pods, revisions, routes, runtimes } from '../../resources/resources.ts';

const needed: readonly (readonly [Resource, ListOptions])[] = [
  [runtimes, {}],
  [functions, {}],
  [revisions, {}],
  [routes, {}],
  [jobDefinitions, {}],
  [executions, {}],
  [pods, { labelSelector: label.runtime }],
];

/** Throws, with the remedy, what keeps a controller from working here. */
export async function checkApi(client: KubeClient, namespace: string): Promise<void> {
  await Promise.all(
    needed.map(async ([resource, options]) => {
      try {
        await client.list(resource, { ...options, limit: 1 });
      } catch (error) {
        throw explain(error, resource, namespace);
      }
    }),
  );
}

function explain(error: unknown, { plural, group }: Resource, namespace: string): Error {
  if (isNotFound(error))
    return new TsumugiError('NotFound', `the API server has no ${plural}.${group}`, {
      hint: 'put our kinds there: tsumugi install',
      cause: error,
    });
  if (error instanceof ApiError && (error.code === 401 || error.code === 403))
    return new TsumugiError('Forbidden', error.message, {
      hint: `put our roles there: tsumugi install -n ${namespace}`,
      cause: error,
    });
  return toError(error);
}
