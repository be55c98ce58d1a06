/** Which rows a list or watch speaks of. */
import type { ListOptions } from '../../kube/client.ts';
import type { RowIndex, StoreKey } from '../storage/store.ts';
import type { Call } from './core.ts';
import { fieldMatcher, fieldTerms } from './field-selector.ts';
import { labelMatcher } from './label-selector.ts';

export interface Selection {
  /** Undefined: everything in the call's namespace. */
  readonly select: ((index: RowIndex, key: StoreKey) => boolean) | undefined;
  /** The only object that can match: a field selector names it and the namespace is known. */
  readonly only: string | undefined;
}

/** Throws BadRequest for selectors that cannot be read. A name in the call itself selects, too (watch of one object). */
export function selectionOf(call: Call, options: Pick<ListOptions, 'labelSelector' | 'fieldSelector'>): Selection {
  const labels = labelMatcher(options.labelSelector);
  const fields = fieldMatcher(options.fieldSelector, call.kind);
  const named = call.name || fieldTerms(options.fieldSelector).find((term) => term.path === 'metadata.name' && term.equals)?.value;
  const only = named !== undefined && (call.namespace || !call.kind.namespaced) ? named : undefined;
  if (!labels && !fields && !call.name) return { select: undefined, only };
  return {
    only,
    select: (index, key) =>
      (!call.name || key.name === call.name) && (!labels || labels(index.labels)) && (!fields || fields(index.fields)),
  };
}
