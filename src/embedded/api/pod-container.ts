/** The container of a pod that a request means. */
import type { KubeObject } from '../../resources/object.ts';
import { badRequest } from './status.ts';

export interface PodLike extends KubeObject {
  readonly spec?: {
    readonly nodeName?: string;
    readonly containers?: readonly { readonly name: string }[];
    readonly initContainers?: readonly { readonly name: string }[];
  };
}

/** `asked`, or the only one there is. Throws BadRequest with what there is to choose from. */
export function containerOf(pod: PodLike, asked: string | null): string {
  const { name } = pod.metadata;
  const containers = (pod.spec?.containers ?? []).map((container) => container.name);
  const init = (pod.spec?.initContainers ?? []).map((container) => container.name);
  if (asked) {
    if (![...containers, ...init].includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${name}`);
    return asked;
  }
  if (containers.length === 1) return containers[0] as string;
  const choices = `choose one of: [${containers.join(' ')}]${init.length > 0 ? ` or one of the init containers: [${init.join(' ')}]` : ''}`;
  throw badRequest(`a container name must be specified for pod ${name}, ${choices}`);
}
