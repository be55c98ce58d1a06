/** Structures with short descriptions of our own: what `kubectl explain` shows. */
import type { Structure } from '../structure.ts';
import texts from './descriptions.json' with { type: 'json' };
import { builtinStructures } from './structures.ts';

type Texts = Readonly<Record<string, string>>;

const descriptions = texts as Readonly<Record<string, Texts>>;
const ofEvery = descriptions['*'] as Texts;

/** An entry of the built-in table, its fields described where we have words for them; undefined: there is none. */
export function describedStructure(ref: string): Structure | undefined {
  const structure = builtinStructures[ref];
  return structure && described(structure, descriptions[ref] ?? {});
}

/** `texts`: by field, the structure's own under ''. Objects of the API have the descriptions of `apiVersion`, `kind` and `metadata`, too. */
export function described(structure: Structure, texts: Texts): Structure {
  const description = structure.description ?? texts[''];
  const own = description === undefined ? structure : { ...structure, description };
  if (own.type !== 'object') return own;
  const isObject = Object.keys(ofEvery).every((field) => Object.hasOwn(own.fields, field));
  const fields = Object.entries(own.fields).map(([name, field]): [string, Structure] => {
    const text = field.description ?? texts[name] ?? (isObject ? ofEvery[name] : undefined);
    return [name, text === undefined ? field : { ...field, description: text }];
  });
  return { ...own, fields: Object.fromEntries(fields) };
}
