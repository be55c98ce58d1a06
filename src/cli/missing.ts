/** An object that is not there: says what was probably meant. */
import { TsumugiError } from '../base/errors.ts';
import { isNotFound, type KubeObject } from '../resources/object.ts';
import type { ServedKind } from './kinds.ts';
import type { Platform } from './platform.ts';
import { didYouMean } from '../base/suggest.ts';

/** Throws: NotFound with a suggestion where `error` says that `name` is not there, else `error` itself. */
export async function describeMissing(
  platform: Platform,
  kind: Pick<ServedKind, 'group' | 'version' | 'plural' | 'kind' | 'namespaced'>,
  name: string,
  error: unknown,
): Promise<never> {
  if (!isNotFound(error)) throw error;
  const list = await platform.kube
    .list<KubeObject>(kind, kind.namespaced ? { namespace: platform.namespace, limit: 500 } : { limit: 500 })
    .catch(() => undefined);
  const where = kind.namespaced ? ` in namespace ${platform.namespace}` : '';
  throw new TsumugiError('NotFound', `${kind.kind} "${name}" does not exist${where}`, {
    hint: didYouMean(name, list?.items.map((item) => item.metadata.name) ?? []) ?? `\`tsumugi get ${kind.plural}\` lists what there is`,
    cause: error,
  });
}
