/** What the platform knows of one kind of object, whoever serves it: built-in (Pod) or ours (Function). */
import type { KubeObject, Resource } from './object.ts';
import type { Structure } from './structure.ts';

/** A column of `kubectl get`, as in a CRD's additionalPrinterColumns: `jsonPath` names a stored field. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date' | 'number';
  readonly jsonPath: string;
  /** 0: always; 1: only with `-o wide`. */
  readonly priority?: number;
  readonly format?: string;
  readonly description?: string;
}

/** A rule over several fields: the same verdict from CEL (in the CRD) and from `check` (here); a test compares them. */
export interface CrossFieldRule {
  /** Field path as `spec.source`. */
  readonly path: string;
  readonly cel: string;
  /** Gets the value at `path`; true is fine. */
  readonly check: (value: never) => boolean;
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

export interface KindDefinition<T extends KubeObject = KubeObject> extends Resource {
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly structure: Structure;
  /** Writes to the main resource ignore status and the other way round; absent: no status subresource. */
  readonly hasStatus: boolean;
  readonly columns: readonly PrinterColumn[];
  readonly rules: readonly CrossFieldRule[];
  /** What structure cannot say; runs on create and on update (then with the stored object). */
  readonly validate?: (object: T, old?: T) => readonly FieldError[];
  /** JSONPaths beyond metadata.name and metadata.namespace that a field selector may name. */
  readonly selectableFields: readonly string[];
  /** Cells of a built-in kind's table that no JSONPath can express (pod's STATUS); name -> text. */
  readonly cells?: (object: T, now: number) => readonly (string | number)[];
}
