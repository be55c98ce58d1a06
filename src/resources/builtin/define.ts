import type { KindDefinition } from '../kind.ts';
import type { KubeObject, Resource } from '../object.ts';

type Given<T extends KubeObject> = Partial<KindDefinition<T>> & Pick<KindDefinition<T>, 'singular' | 'columns'>;

/** A kind of Kubernetes' own: its structure is the generated table's entry, of core/v1 unless told. */
export function defineBuiltin<T extends KubeObject>(resource: Resource, given: Given<T>): KindDefinition<T> {
  return {
    ...resource,
    origin: 'builtin',
    shortNames: [],
    categories: [],
    structure: { type: 'ref', ref: `core.v1.${resource.kind}` },
    hasStatus: false,
    rules: [],
    selectableFields: [],
    ...given,
  };
}
