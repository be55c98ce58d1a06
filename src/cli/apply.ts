/** `apply`: what the manifest says becomes true; what an earlier apply said and this one does not is removed (kubectl's own rule and annotation). */
import { readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { LineCounter, parseAllDocuments } from 'yaml';
import { TsumugiError } from '../base/errors.ts';
import { isAlreadyExists, isNotFound, type KubeObject } from '../resources/object.ts';
import type { ServedKind } from './kinds.ts';
import type { Platform } from './platform.ts';

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
type Json = Readonly<Record<string, unknown>>;

/** All objects of files, folders (their *.yaml, *.yml and *.json) and `-` (stdin), in order; lists are taken apart. */
export async function readManifests(paths: readonly string[]): Promise<readonly KubeObject[]> {
  const objects: KubeObject[] = [];
  for (const path of paths) {
    const files =
      path !== '-' && statSync(path).isDirectory()
        ? readdirSync(path)
            .filter((name) => /\.(ya?ml|json)$/.test(name))
            .sort()
            .map((name) => join(path, name))
        : [path];
    for (const file of files) objects.push(...parseManifest(file, file === '-' ? await readStdin() : await readFile(file, 'utf8')));
  }
  return objects;
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function parseManifest(file: string, text: string): KubeObject[] {
  const objects: KubeObject[] = [];
  const lineCounter = new LineCounter();
  for (const document of parseAllDocuments(text, { lineCounter })) {
    const [problem] = document.errors;
    if (problem) throw new TsumugiError('Invalid', `${file}: ${problem.message.split('\n')[0]}`);
    const value = document.toJS() as (KubeObject & { items?: KubeObject[] }) | null;
    if (value === null) continue;
    const line = lineCounter.linePos(document.contents?.range?.[0] ?? 0).line;
    for (const object of value.kind === 'List' && Array.isArray(value.items) ? value.items : [value]) {
      if (typeof object.apiVersion !== 'string' || typeof object.kind !== 'string' || typeof object.metadata?.name !== 'string') {
        throw new TsumugiError('Invalid', `${file}:${line}: an object needs apiVersion, kind and metadata.name`);
      }
      objects.push(object);
    }
  }
  return objects;
}

export interface Applied {
  readonly result: 'created' | 'configured' | 'unchanged';
  /** As it is now. */
  readonly object: KubeObject;
}

/** Creates or changes one object. Throws ApiError as the server says. */
export async function applyObject(platform: Platform, kind: ServedKind, object: KubeObject): Promise<Applied> {
  const namespace = kind.namespaced ? { namespace: object.metadata.namespace ?? platform.namespace } : {};
  const wanted = { ...object, metadata: { ...object.metadata, ...namespace } };
  const annotated = {
    ...wanted,
    metadata: { ...wanted.metadata, annotations: { ...wanted.metadata.annotations, [lastApplied]: `${JSON.stringify(wanted)}\n` } },
  };
  const key = { ...namespace, name: object.metadata.name };
  const options = { fieldManager: 'tsumugi', fieldValidation: 'Strict' as const };
  let current: KubeObject;
  try {
    current = await platform.kube.get<KubeObject>(kind, key);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    try {
      return { result: 'created', object: await platform.kube.create<KubeObject>(kind, annotated, options) };
    } catch (raced) {
      if (!isAlreadyExists(raced)) throw raced;
      current = await platform.kube.get<KubeObject>(kind, key);
    }
  }
  const last = current.metadata.annotations?.[lastApplied];
  const patch = difference(current as unknown as Json, wanted, last === undefined ? {} : (JSON.parse(last) as Json));
  if (Object.keys(patch).length === 0) return { result: 'unchanged', object: current };
  const body = {
    ...patch,
    metadata: {
      ...(patch['metadata'] as Json | undefined),
      annotations: {
        ...((patch['metadata'] as Json | undefined)?.['annotations'] as Json | undefined),
        [lastApplied]: annotated.metadata.annotations[lastApplied],
      },
    },
  };
  const after = await platform.kube.patch<KubeObject>(kind, key, { type: 'merge', body }, options);
  return { result: after.metadata.resourceVersion === current.metadata.resourceVersion ? 'unchanged' : 'configured', object: after };
}

/** A merge patch from `current` to `wanted`: only what `wanted` says, and null for what `last` said and `wanted` does not. */
export function difference(current: Json, wanted: Json, last: Json): Json {
  const patch: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(wanted)) {
    const now = current[key];
    if (isMapping(value) && isMapping(now)) {
      const inner = difference(now, value, isMapping(last[key]) ? last[key] : {});
      if (Object.keys(inner).length > 0) patch[key] = inner;
    } else if (!isDeepStrictEqual(now, value)) patch[key] = value;
  }
  for (const key of Object.keys(last)) if (!(key in wanted) && key in current) patch[key] = null;
  return patch;
}

const isMapping = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `function.tsumugi.dev/hello`, as kubectl names an object. */
export function shownName(kind: ServedKind, name: string): string {
  return `${kind.singular || kind.kind.toLowerCase()}${kind.group ? `.${kind.group}` : ''}/${name}`;
}
