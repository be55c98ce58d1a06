/** Fields that an apply would take from others. */
import { difference, isEmpty, pathsOf } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import type { Manager } from './managers.ts';
import { compareElements, pathText } from './path-element.ts';

export interface Conflict {
  readonly with: Manager;
  readonly fields: FieldSet;
}

/** The apply would change fields of other managers, and was not told to. */
export class ApplyConflicts extends Error {
  readonly conflicts: readonly Conflict[];

  constructor(conflicts: readonly Conflict[]) {
    super(summary(conflicts));
    this.conflicts = conflicts;
  }

  /** One for each field. */
  get causes(): { readonly reason: string; readonly message: string; readonly field: string }[] {
    return this.conflicts.flatMap((conflict) =>
      paths(conflict).map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${managerText(conflict.with)}`, field })),
    );
  }

  /** Without these fields; undefined when no conflict is left. */
  except(allowed: FieldSet): ApplyConflicts | undefined {
    const left = this.conflicts
      .map((conflict) => ({ ...conflict, fields: difference(conflict.fields, allowed) }))
      .filter(({ fields }) => !isEmpty(fields));
    return left.length > 0 ? new ApplyConflicts(left) : undefined;
  }
}

const paths = ({ fields }: Conflict): string[] => pathsOf(fields, compareElements).map(pathText);

function managerText({ manager, subresource, operation, apiVersion }: Manager): string {
  const name = JSON.stringify(manager);
  const where = subresource ? `${name} with subresource ${JSON.stringify(subresource)}` : name;
  return operation === 'Update' ? `${where} using ${apiVersion}` : where;
}

function summary(conflicts: readonly Conflict[]): string {
  const all = conflicts.flatMap((conflict) => paths(conflict).map((path) => ({ manager: managerText(conflict.with), path })));
  if (all.length === 1 && all[0]) return `Apply failed with 1 conflict: conflict with ${all[0].manager}: ${all[0].path}`;
  const lines = [...Map.groupBy(all, ({ manager }) => manager)].flatMap(([manager, fields]) => [
    `conflicts with ${manager}:`,
    ...fields.map(({ path }) => `- ${path}`),
  ]);
  return `Apply failed with ${all.length} conflicts: ${lines.join('\n')}`;
}
