/** Writes `charts/tsumugi/crds/<plural>.yaml` from the kinds' definitions. A test checks that they are up to date. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { crdOf } from '../src/resources/crd.ts';
import type { KindDefinition } from '../src/resources/kind.ts';
import { kinds } from '../src/resources/kinds.ts';

/** The text of a kind's file. */
export function crdFile(kind: KindDefinition): string {
  return `# Made by scripts/crds.ts. Do not edit.\n${stringify(crdOf(kind), { lineWidth: 0, aliasDuplicateObjects: false, singleQuote: true })}`;
}

export const crdKinds: readonly KindDefinition[] = kinds.filter(({ origin }) => origin === 'custom');

/** The folder of the files. */
export const crdFolder = new URL('../charts/tsumugi/crds/', import.meta.url);

if (import.meta.main) {
  mkdirSync(crdFolder, { recursive: true });
  for (const kind of crdKinds) writeFileSync(new URL(`${kind.plural}.yaml`, crdFolder), crdFile(kind));
}
