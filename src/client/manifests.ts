import { TsumugiError } from '../base/errors.ts';

/** Objects of manifests: as they are, from YAML (or JSON) text, or from a file of that name. Throws Invalid or NotFound. */
export async function readManifests(given: string | object | readonly (string | object)[]): Promise<readonly unknown[]> {
  const objects: unknown[] = [];
  for (const each of Array.isArray(given) ? (given as readonly (string | object)[]) : [given]) {
    if (typeof each === 'string') objects.push(...(await readText(each)));
    else objects.push(each);
  }
  return objects;
}

async function readText(text: string): Promise<readonly unknown[]> {
  const [{ parseAllDocuments }, { readFile }] = await Promise.all([import('yaml'), import('node:fs/promises')]);
  // The name of a file has one line and no `key: value`.
  const isName = !/\n|: |^\s*[{[]/.test(text);
  const source = isName
    ? await readFile(text, 'utf8').catch((cause: unknown) => {
        throw new TsumugiError('NotFound', `the manifest ${text} cannot be read: ${(cause as Error).message}`, { cause });
      })
    : text;
  const documents = [...parseAllDocuments(source)];
  for (const { errors } of documents) if (errors[0]) throw new TsumugiError('Invalid', `the manifest is no YAML: ${errors[0].message}`);
  return documents.map((document) => document.toJS() as unknown).filter((object) => object !== null);
}
