/** What the platform knows of one kind of object, whoever serves it: built-in (Pod) or ours (Function). */
import type { Syntax } from './names.ts';
import type { KubeObject, Resource } from './object.ts';
import type { Structure } from './structure.ts';

/** A column of `kubectl get`, as in a CRD's additionalPrinterColumns: `jsonPath` names a stored field. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date' | 'number';
  /** '' where the kind's `cells` computes the value. */
  readonly jsonPath: string;
  /** 0: always; 1: only with `-o wide`. */
  readonly priority?: number;
  readonly format?: string;
  readonly description?: string;
  /** The cell holds moments (see `moment` in cells.ts) that are shown as ages; columns of type `date` do in any case. */
  readonly timed?: boolean;
}

/** A rule over several fields: the same verdict from CEL (in the CRD) and from `check` (here); a test compares them. */
export interface CrossFieldRule {
  /** Field path as `spec.source`; `[]` is each item (`spec.env[]`), '' the whole object (CEL sees its metadata.name). */
  readonly path: string;
  readonly cel: string;
  /** Gets the value at `path` and, of a transition, the one before; true is fine. */
  readonly check: (value: never, old: never) => boolean;
  /** The rule compares with the stored object (`oldSelf` in CEL), so it is asked on updates alone. */
  readonly transition?: true;
  readonly message: string;
}

/** One violation, in the API server's words. */
export interface FieldError {
  /** `spec.scale.max`, `spec.env[0].name` */
  readonly field: string;
  /** FieldValueInvalid, FieldValueRequired, FieldValueNotSupported, FieldValueForbidden, FieldValueTypeInvalid, … */
  readonly reason: string;
  readonly message: string;
}

/** What a table row stores: text and numbers, no ages. */
export type Cell = string | number | boolean | null;

export interface KindDefinition<T extends KubeObject = KubeObject> extends Resource {
  /** `builtin`: the API server's own, decoded strictly by type. `custom`: a CRD with a schema. */
  readonly origin: 'builtin' | 'custom';
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly structure: Structure;
  /** What may be done with it; absent: all there is. Kinds that can only be created are questions: answered, not stored. */
  readonly verbs?: readonly string[];
  /** Writes to the main resource ignore status and the other way round; absent: no status subresource. */
  readonly hasStatus: boolean;
  readonly columns: readonly PrinterColumn[];
  readonly rules: readonly CrossFieldRule[];
  /** Syntax of metadata.name; default: a DNS subdomain. */
  readonly nameSyntax?: Syntax;
  /** Subresources beside `status` that the API serves: pods have `log`. */
  readonly subresources?: readonly string[];
  /** Field paths beyond metadata.name and metadata.namespace that a field selector may name; an absent field selects as ''. */
  readonly selectableFields: readonly string[];
  /** Values of those of them that are no field of that path. */
  selectableValues?(object: T): Readonly<Record<string, string>>;
  /** Defaults that the structure's table cannot tell; `defaulted` in kinds.ts runs it after those of the structure. */
  defaulting?(object: T): T;
  /** What the server sets at creation, whatever was sent (phase, finalizers); before validation. */
  prepareForCreate?(object: T): T;
  /** What structure cannot say; runs on create and on update (then with the stored object). */
  validate?(object: T, old?: T): readonly FieldError[];
  /** What a new object is warned of, though it is taken. */
  warnings?(object: T): readonly string[];
  /** Cells of a built-in kind's table that no JSONPath can express (pod's STATUS), one for each of `columns`. */
  cells?(object: T): readonly Cell[];
}
