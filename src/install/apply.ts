/** Puts manifests on a cluster, by server-side apply: to install again is to upgrade, and no change where nothing differs. */
import { getIfThere } from '../kube/get.ts';
import { isDeepStrictEqual } from 'node:util';
import type { HttpKubeClient } from '../kube/http/client.ts';
import { isNotFound, type KubeObject } from '../resources/object.ts';
import { resourceOf } from './kinds.ts';
import type { Manifest } from './parts.ts';

export const fieldManager = 'tsumugi';

export interface Applied {
  readonly manifest: Manifest;
  readonly result: 'created' | 'configured' | 'unchanged';
}

/** One after the other, in the order given. `dryRun`: the server says what would become of it. */
export async function applyManifests(
  client: HttpKubeClient,
  manifests: readonly Manifest[],
  { dryRun = false }: { readonly dryRun?: boolean } = {},
): Promise<readonly Applied[]> {
  const applied: Applied[] = [];
  for (const manifest of manifests) applied.push({ manifest, result: await apply(client, manifest, dryRun) });
  return applied;
}

async function apply(client: HttpKubeClient, manifest: Manifest, dryRun: boolean): Promise<Applied['result']> {
  const resource = resourceOf(manifest);
  const { namespace, name } = manifest.metadata;
  const key = { ...(namespace !== undefined && { namespace }), name };
  const before = await getIfThere<KubeObject>(client, resource, key);
  try {
    const after = await client.apply<KubeObject>(resource, manifest, { fieldManager, fieldValidation: 'Strict', dryRun });
    if (!before) return 'created';
    return isDeepStrictEqual(content(after), content(before)) ? 'unchanged' : 'configured';
  } catch (error) {
    // Its namespace would be there by now.
    if (dryRun && !before && isNotFound(error)) return 'created';
    throw error;
  }
}

/** What somebody said: neither what the server writes down about the writing, nor the status, which moves by itself. */
function content(object: KubeObject): object {
  return { ...object, status: undefined, metadata: { ...object.metadata, managedFields: undefined, resourceVersion: undefined } };
}
