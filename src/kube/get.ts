import { isNotFound, type KubeObject, type Resource } from '../resources/object.ts';
import type { KubeClient, ObjectKey } from './client.ts';

/** The object, or undefined where there is none. */
export async function getIfThere<T extends KubeObject>(
  client: Pick<KubeClient, 'get'>,
  resource: Resource,
  { namespace, name }: ObjectKey,
): Promise<T | undefined> {
  try {
    return await client.get<T>(resource, { ...(namespace !== undefined && { namespace }), name });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
