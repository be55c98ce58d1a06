/**
 * Structure of a kind: one compact table that drives defaulting, strict validation, strategic merge, OpenAPI and (later)
 * server-side apply and explain. For our kinds it comes from the zod schema, for the built-in ones from a generated table.
 */
export type Structure =
  | { readonly type: 'string'; readonly format?: string; readonly enum?: readonly string[]; readonly pattern?: string; readonly minLength?: number; readonly maxLength?: number; readonly default?: string; readonly description?: string }
  | { readonly type: 'integer' | 'number'; readonly format?: string; readonly minimum?: number; readonly maximum?: number; readonly default?: number; readonly description?: string }
  | { readonly type: 'boolean'; readonly default?: boolean; readonly description?: string }
  /** A string or an integer (ports, quantities). */
  | { readonly type: 'intOrString'; readonly description?: string }
  /** Anything goes and nothing is pruned (RawExtension, managedFields). */
  | { readonly type: 'any'; readonly description?: string }
  /** Another table entry, by name: keeps the built-in tables small and allows recursion. */
  | { readonly type: 'ref'; readonly ref: string; readonly default?: unknown; readonly description?: string }
  | { readonly type: 'object'; readonly fields: Readonly<Record<string, Structure>>; readonly required?: readonly string[]; readonly atomic?: boolean; readonly default?: unknown; readonly description?: string }
  | { readonly type: 'map'; readonly values: Structure; readonly atomic?: boolean; readonly default?: unknown; readonly description?: string }
  | {
      readonly type: 'list';
      readonly items: Structure;
      /** x-kubernetes-list-type: how server-side apply sees it. */
      readonly list?: 'atomic' | 'set' | 'map';
      /** x-kubernetes-list-map-keys. */
      readonly keys?: readonly string[];
      /** x-kubernetes-patch-strategy is `merge`, by this key ('' for lists of scalars): how strategic merge patch sees it. */
      readonly mergeKey?: string;
      readonly minItems?: number;
      readonly maxItems?: number;
      readonly default?: unknown;
      readonly description?: string;
    };
