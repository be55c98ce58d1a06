/** Cells of `kubectl get`: taken once when an object is stored, turned into ages when they are read. */
import type { Cell, KindDefinition, PrinterColumn } from './kind.ts';
import type { KubeObject } from './object.ts';
import { isMapping, own } from './resolve.ts';

/** A point of time within a stored cell; `shownCell` writes its age there. '' and undefined: `<unknown>`. */
export const moment = (timestamp: string | undefined): string => (timestamp ? `\uE000${timestamp}\uE000` : '<unknown>');

/** The object's cells, one for each of the kind's columns, to be kept beside it. */
export function printCells(kind: KindDefinition, object: KubeObject): readonly Cell[] {
  return kind.cells?.(object) ?? kind.columns.map((column) => columnCell(column, object));
}

/** A custom resource's cell, by the rules of the API server: the first thing the path finds, null when there is none. */
function columnCell(column: PrinterColumn, object: KubeObject): Cell {
  const [found] = findAll(object, column.jsonPath);
  if (found === undefined || found === null) return null;
  switch (column.type) {
    case 'string':
      return typeof found === 'string' ? found : JSON.stringify(found);
    case 'date':
      return typeof found === 'string' ? moment(found) : null;
    case 'integer':
      return typeof found === 'number' ? Math.trunc(found) : null;
    case 'number':
      return typeof found === 'number' ? found : null;
    default:
      return typeof found === 'boolean' ? found : null;
  }
}

const step = /\.([\w-]+)|\[\?\(@\.([\w-]+)==["']([^"']*)["']\)\]|\[(\d+|\*)\]|\['([^']+)'\]/gy;

/** What a simple JSONPath (`.status.conditions[?(@.type=="Ready")].status`, `.spec.hosts[*]`) finds. */
export function findAll(object: unknown, jsonPath: string): unknown[] {
  let found: unknown[] = [object];
  for (const [, field, key, equals, index, quoted] of jsonPath.matchAll(step)) {
    const name = field ?? quoted;
    if (name !== undefined) found = found.flatMap((at) => (isMapping(at) && Object.hasOwn(at, name) ? [own(at, name)] : []));
    else if (key !== undefined)
      found = found.flatMap((at) => (Array.isArray(at) ? at.filter((item) => isMapping(item) && own(item, key) === equals) : []));
    else if (index === '*') found = found.flatMap((at) => (Array.isArray(at) ? at : []));
    else found = found.flatMap((at) => (Array.isArray(at) && Number(index) < at.length ? [at[Number(index)]] : []));
  }
  return found;
}

/** A stored cell as a client sees it at `now` (milliseconds). */
export function shownCell(column: PrinterColumn, cell: Cell, now: number): Cell {
  if (typeof cell !== 'string' || !(column.timed || column.type === 'date')) return cell;
  return cell.replace(/\uE000([^\uE000]*)\uE000/g, (_, timestamp: string) => {
    const then = Date.parse(timestamp);
    return Number.isNaN(then) ? '<invalid>' : humanDuration(now - then);
  });
}

/** A duration as kubectl writes it: `42s`, `5m3s`, `7h`, `3d4h`, `2y`. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 120) return `${Math.max(seconds, 0)}s`;
  const two = (large: number, largeUnit: string, small: number, smallUnit: string): string =>
    `${large}${largeUnit}${small === 0 ? '' : `${small}${smallUnit}`}`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes < 10) return two(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(minutes / 60);
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(hours / 24);
  if (days < 8) return two(days, 'd', hours % 24, 'h');
  if (days < 365 * 2) return `${days}d`;
  return days < 365 * 8 ? two(Math.trunc(days / 365), 'y', days % 365, 'd') : `${Math.trunc(days / 365)}y`;
}

/** Values of the selectable fields, by path, `metadata.name` and `metadata.namespace` included; absent ones are ''. */
export function selectableValues(kind: KindDefinition, object: KubeObject): Readonly<Record<string, string>> {
  const paths = ['metadata.name', ...(kind.namespaced ? ['metadata.namespace'] : []), ...kind.selectableFields];
  return { ...Object.fromEntries(paths.map((path) => [path, text(findAll(object, `.${path}`)[0])])), ...kind.selectableValues?.(object) };
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** The first and the last column of nearly every kind. */
export const nameColumn: PrinterColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  jsonPath: '.metadata.name',
  description: 'Unique within a namespace.',
};
export const ageColumn: PrinterColumn = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'How long ago the object was created.',
};

/** A column whose cell the kind's `cells` computes. */
export const computed = (name: string, description: string, more: Partial<PrinterColumn> = {}): PrinterColumn => ({
  name,
  type: 'string',
  jsonPath: '',
  description,
  ...more,
});

/** Age of a built-in kind: the real server calls it a string. */
export const computedAge = computed('Age', 'How long ago the object was created.', { timed: true });
