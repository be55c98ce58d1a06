/** Our CRDs on a real API server: the same verdict, the same words and the same defaults as our own machinery. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createHttpClient } from '../../src/kube/http/client.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';
import { type CustomResourceDefinition, crdOf } from '../../src/resources/crd.ts';
import type { FieldError, KindDefinition } from '../../src/resources/kind.ts';
import { check, defaulted, kindOf, kinds, prune } from '../../src/resources/kinds.ts';
import { ApiError, isAlreadyExists, type KubeObject, type Resource } from '../../src/resources/object.ts';
import { namespaces, revisions } from '../../src/resources/resources.ts';
import { invalidSamples, objectOf, type Sample, validSamples } from '../../src/resources/testing/samples.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];
const namespace = `crds-${process.pid}`;
const definitions: Resource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};

const kindOfSample = (sample: Sample): KindDefinition => kindOf({ apiVersion: 'tsumugi.dev/v1', kind: sample.kind }) as KindDefinition;
const sorted = (errors: readonly Partial<FieldError>[]): string[] =>
  errors.map(({ field, reason, message }) => `${field} ${reason} ${message}`).sort();

describe.runIf(path)('CRDs on a real Kubernetes API server', () => {
  let client: ReturnType<typeof createHttpClient>;

  /** What the server makes of it, without storing. */
  async function send(object: KubeObject, kind: KindDefinition): Promise<KubeObject | readonly Partial<FieldError>[]> {
    try {
      return await client.create(kind, object, { dryRun: true });
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 422) throw error;
      return error.status.details?.causes ?? [];
    }
  }

  beforeAll(async () => {
    client = createHttpClient(await loadConnection({ path: path as string }));
    await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    for (const kind of kinds.filter(({ origin }) => origin === 'custom')) {
      const crd = crdOf(kind);
      try {
        await client.create<KubeObject>(definitions, crd);
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
        const before = await client.get<KubeObject & CustomResourceDefinition>(definitions, crd.metadata);
        await client.update<KubeObject>(definitions, { ...crd, metadata: before.metadata });
      }
    }
    await vi.waitFor(() => Promise.all(kinds.map((kind) => client.list(kind))), { timeout: 30_000 });
    // A changed schema is taken up a moment later than the definition says: the last rule of it tells.
    const turned = objectOf(invalidSamples.find(({ what }) => what === 'scale turned round') as Sample, namespace);
    await vi.waitFor(async () => expect(await send(turned, kindOf(turned) as KindDefinition)).toBeInstanceOf(Array), { timeout: 30_000 });
  });

  afterAll(async () => {
    await client?.delete(namespaces, { name: namespace });
    client?.close();
  });

  it.each(validSamples.map((sample) => [`${sample.kind}: ${sample.what}`, sample] as const))('fills in the same: %s', async (_, sample) => {
    const kind = kindOfSample(sample);
    const object = objectOf(sample, kind.namespaced ? namespace : undefined);
    const ours = defaulted(kind, prune(kind.structure, object));
    expect(check(kind, ours)).toEqual([]);
    expect(await send(object, kind)).toMatchObject({ spec: (ours as KubeObject & { spec: object }).spec });
    const theirs = (await send(object, kind)) as KubeObject & { spec: object };
    expect(theirs.spec).toEqual((ours as KubeObject & { spec: object }).spec);
  });

  it.each(invalidSamples.map((sample) => [`${sample.kind}: ${sample.what}`, sample] as const))('says the same: %s', async (_, sample) => {
    const kind = kindOfSample(sample);
    const object = objectOf(sample, kind.namespaced ? namespace : undefined);
    const ours = check(kind, defaulted(kind, prune(kind.structure, object)));
    expect(ours).not.toEqual([]);
    expect(sorted((await send(object, kind)) as readonly Partial<FieldError>[])).toEqual(sorted(ours));
  });

  it('a revision never changes', async () => {
    const kind = kindOf({ apiVersion: 'tsumugi.dev/v1', kind: 'Revision' }) as KindDefinition;
    const sample = objectOf(validSamples.find((each) => each.kind === 'Revision') as Sample, namespace);
    const stored = await client.create<KubeObject & { spec: object }>(revisions, sample as KubeObject & { spec: object });
    const changed = { ...stored, spec: { ...stored.spec, handler: 'other' } };
    const refused = await client.update(revisions, changed).then(
      () => undefined,
      (error: unknown) => error as ApiError,
    );
    expect(sorted(refused?.status.details?.causes ?? [])).toEqual(sorted(check(kind, changed, stored)));
    expect(check(kind, changed, stored)).toHaveLength(1);
  });
});

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
