/** Parts of the built-in kinds inside of ours, as JSON: what a CRD needs to say of a container. */
import { describedStructure } from './builtin/described.ts';
import type { Structure } from './structure.ts';

/** Of these fields alone, where it is an object; all: every field. */
type Fields = readonly string[] | 'all';

/**
 * An entry of the built-in table with all that it refers to written out. A required field has no default (the table's are Go's empty
 * values), quantities have the pattern of ours, and what only strategic merge knows is left out: a custom resource has none of it.
 */
export function inlinedStructure(ref: string, fields: Fields): Structure {
  const whole = inlined({ type: 'ref', ref });
  if (whole.type !== 'object' || fields === 'all') return whole;
  return { ...whole, fields: Object.fromEntries(Object.entries(whole.fields).filter(([name]) => fields.includes(name))) };
}

const quantityPattern = '^([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+|[KMGTPE]i|[numkMGTPE])?$';

function inlined(structure: Structure): Structure {
  switch (structure.type) {
    case 'ref': {
      const entry = describedStructure(structure.ref);
      if (!entry) throw new Error(`structure ${structure.ref} is not in the table`);
      return inlined(structure.description === undefined ? entry : { ...entry, description: structure.description });
    }
    case 'object': {
      const fields = Object.entries(structure.fields).map(([name, field]): [string, Structure] => {
        const { default: given, ...rest } = inlined(field);
        const isEmpty =
          given === undefined || given === '' || given === 0 || (typeof given === 'object' && Object.keys(given ?? {}).length === 0);
        return [name, (isEmpty ? rest : { ...rest, default: given }) as Structure];
      });
      return { ...structure, fields: Object.fromEntries(fields) };
    }
    case 'map':
      return { ...structure, values: inlined(structure.values) };
    case 'list': {
      const { mergeKey: _, retainKeys: _also, ...rest } = structure;
      return { ...rest, items: inlined(structure.items) };
    }
    case 'intOrString':
      return structure.format === 'quantity' ? { type: 'intOrString', pattern: quantityPattern } : structure;
    default:
      return structure;
  }
}
