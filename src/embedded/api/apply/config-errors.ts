/** Why a configuration cannot be applied: it must fit the structure as it is, without being read leniently. */
import { isMapping, own, resolve } from '../../../resources/resolve.ts';
import type { Structure } from '../../../resources/structure.ts';
import { goText } from '../go-text.ts';
import { elementText, ElementError, itemElement } from './path-element.ts';

/** In the API server's words; empty where it fits. */
export function configErrors(structure: Structure, value: unknown, path = ''): string[] {
  if (value === null || value === undefined) return [];
  const at = resolve(structure);
  const says = (why: string): string[] => [`${path}${path && ': '}${why}`];
  switch (at.type) {
    case 'any':
    case 'json':
      return [];
    case 'string':
      return typeof value === 'string' ? [] : says(`expected string, got ${goValue(value)}`);
    case 'boolean':
      return typeof value === 'boolean' ? [] : says(`expected boolean, got ${goPlain(value)}`);
    case 'integer':
    case 'number':
      return typeof value === 'number'
        ? []
        : says(`expected numeric (int or float), got ${typeof value === 'boolean' ? 'bool' : goType(value)}`);
    case 'intOrString':
      return typeof value === 'object' ? says(`expected any scalar, got ${goPlain(value)}`) : [];
    case 'list':
      return Array.isArray(value) ? itemErrors(at, value, path) : says(`expected list, got ${goPlain(value)}`);
    case 'map':
      if (!isMapping(value)) return says(`expected map, got ${goPlain(value)}`);
      return Object.entries(value).flatMap(([name, item]) => configErrors(at.values, item, `${path}.${name}`));
    default:
      if (!isMapping(value)) return says(`expected map, got ${goPlain(value)}`);
      return Object.entries(value).flatMap(([name, item]) => {
        const field = own(at.fields, name);
        return field ? configErrors(field, item, `${path}.${name}`) : [`${path}.${name}: field not declared in schema`];
      });
  }
}

function itemErrors(list: Extract<Structure, { type: 'list' }>, items: readonly unknown[], path: string): string[] {
  const seen = new Set<string>();
  const errors: string[] = [];
  for (const [index, item] of items.entries()) {
    let element = `i:${index}`;
    try {
      if (list.list === 'map' || list.list === 'set') element = itemElement(list, item);
    } catch (error) {
      if (!(error instanceof ElementError)) throw error;
      return [...errors, `${path}: element ${index}: ${error.message}`];
    }
    if (seen.has(element)) errors.push(`${path}: duplicate entries for key ${elementText(element)}`);
    seen.add(element);
    errors.push(...configErrors(list.items, item, path + elementText(element)));
  }
  return errors;
}

const goType = (value: unknown): string =>
  typeof value === 'string' ? 'string' : Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
/** As Go's %v. */
const goPlain = (value: unknown): string => `&{${goText(value)}}`;
const goValue = (value: unknown): string => `&value.valueUnstructured{Value:${goSyntax(value)}}`;

/** As Go's %#v. */
function goSyntax(value: unknown): string {
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (typeof value !== 'object' || value === null) return value === null ? 'interface {}(nil)' : JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[string]interface {}{${entries.map(([key, item]) => `${JSON.stringify(key)}:${goSyntax(item)}`).join(', ')}}`;
}
