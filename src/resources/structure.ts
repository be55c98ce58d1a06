/**
 * Structure of a kind: one compact table that drives defaulting, strict validation, strategic merge, OpenAPI and (later)
 * server-side apply and explain. For our kinds it comes from the zod schema, for the built-in ones from a generated table.
 */
export type Structure =
  | {
      readonly type: 'string';
      readonly format?: string;
      readonly enum?: readonly string[];
      readonly pattern?: string;
      readonly minLength?: number;
      readonly maxLength?: number;
      readonly default?: string;
      readonly description?: string;
    }
  | {
      readonly type: 'integer' | 'number';
      readonly format?: string;
      readonly minimum?: number;
      readonly maximum?: number;
      readonly default?: number;
      readonly description?: string;
    }
  | { readonly type: 'boolean'; readonly default?: boolean; readonly description?: string }
  /** A string or an integer (ports); with format `quantity` a string or any number. */
  | {
      readonly type: 'intOrString';
      readonly format?: 'quantity';
      readonly pattern?: string;
      readonly default?: string | number;
      readonly description?: string;
    }
  /** Anything goes and nothing is pruned (RawExtension, managedFields). */
  | { readonly type: 'any'; readonly default?: unknown; readonly description?: string }
  /** Any JSON value, null too; server-side apply owns it as a whole. */
  | { readonly type: 'json'; readonly default?: unknown; readonly description?: string }
  /** An entry of the built-in table, by name (`core.v1.PodSpec`): keeps that table small and allows recursion. */
  | { readonly type: 'ref'; readonly ref: string; readonly default?: unknown; readonly description?: string }
  | ObjectStructure
  | {
      readonly type: 'map';
      readonly values: Structure;
      readonly atomic?: boolean;
      readonly maxProperties?: number;
      readonly default?: unknown;
      readonly description?: string;
    }
  | ListStructure;

export interface ObjectStructure {
  readonly type: 'object';
  readonly fields: Readonly<Record<string, Structure>>;
  readonly required?: readonly string[];
  /** x-kubernetes-map-type is atomic: server-side apply owns it as a whole. */
  readonly atomic?: boolean;
  /** x-kubernetes-patch-strategy has `retainKeys`. */
  readonly retainKeys?: boolean;
  readonly default?: unknown;
  readonly description?: string;
}

export interface ListStructure {
  readonly type: 'list';
  readonly items: Structure;
  /** x-kubernetes-list-type: how server-side apply sees it. */
  readonly list?: 'atomic' | 'set' | 'map';
  /** x-kubernetes-list-map-keys. */
  readonly keys?: readonly string[];
  /** x-kubernetes-patch-strategy is `merge`, by this key ('' for lists of scalars): how strategic merge patch sees it. */
  readonly mergeKey?: string;
  /** x-kubernetes-patch-strategy has `retainKeys` (volumes): an item that is patched keeps only the keys the patch names. */
  readonly retainKeys?: boolean;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly default?: unknown;
  readonly description?: string;
}
