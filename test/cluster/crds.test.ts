/** Our CRDs on a real API server: the same verdict, the same words and the same defaults as our own machinery. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { decodeBody } from '../../src/embedded/api/decode.ts';
import { readObject } from '../../src/embedded/api/decode-object.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { createHttpClient } from '../../src/kube/http/client.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';
import { printCells } from '../../src/resources/cells.ts';
import { type CustomResourceDefinition, crdOf } from '../../src/resources/crd.ts';
import type { FieldError, KindDefinition } from '../../src/resources/kind.ts';
import { check, defaulted, kindOf, kinds, prune } from '../../src/resources/kinds.ts';
import { ApiError, isAlreadyExists, type KubeObject, type Resource } from '../../src/resources/object.ts';
import { namespaces, revisions } from '../../src/resources/resources.ts';
import { invalidSamples, objectOf, type Sample, validSamples } from '../../src/resources/testing/samples.ts';
import { rawRequest } from './raw.ts';

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
  let connection: Connection;

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
    connection = await loadConnection({ path: path as string });
    client = createHttpClient(connection);
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

  // Of YAML, which kubectl turns into JSON itself, the server tells duplicates by line; ours by path, in the same place.
  it('says the same of duplicate and unknown fields, in the same order', async () => {
    const type = 'application/json';
    const body =
      '{"apiVersion":"tsumugi.dev/v1","kind":"Runtime","metadata":{"name":"a","name":"b","odd":1},"spec":{"image":"a","image":"b","no":1,"no":2},"zz":1}';
    const kind = kindOf({ apiVersion: 'tsumugi.dev/v1', kind: 'Runtime' }) as KindDefinition;
    const { object, duplicates } = decodeBody(Buffer.from(body), type, kind);
    const ask = (fieldValidation: string): ReturnType<typeof rawRequest> =>
      rawRequest(
        connection,
        'POST',
        `/apis/tsumugi.dev/v1/runtimes?dryRun=All&fieldValidation=${fieldValidation}`,
        { 'content-type': type, accept: 'application/json' },
        body,
      );
    const strict = await ask('Strict');
    expect(strict.status).toBe(400);
    expect(() => readObject(kind, object, { fieldValidation: 'Strict', duplicates, warn: () => {} })).toThrow(
      (strict.body as { message: string }).message,
    );
    const warnings: string[] = [];
    readObject(kind, object, { fieldValidation: 'Warn', duplicates, warn: (text) => warnings.push(`299 - ${JSON.stringify(text)}`) });
    expect(warnings).toEqual((await ask('Warn')).warnings);
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

  it.each(['Execution', 'Function', 'JobDefinition', 'Revision', 'Route', 'Runtime'])('prints the same rows: %s', async (name) => {
    const kind = kindOf({ apiVersion: 'tsumugi.dev/v1', kind: name }) as KindDefinition;
    const samples = validSamples.filter((sample) => sample.kind === name);
    const made: string[] = [];
    for (const [index, sample] of samples.entries()) {
      const stored = await client.create<KubeObject>(kind, {
        ...objectOf({ ...sample, name: `row-${process.pid}-${index}` }, kind.namespaced ? namespace : undefined),
      });
      made.push(stored.metadata.name);
      const conditions = [{ type: 'Ready', status: 'False', reason: 'Broken', message: 'm', lastTransitionTime: '2026-01-01T00:00:00Z' }];
      if (index === 0)
        await client.update(
          kind,
          {
            ...stored,
            status: { conditions, ...(name === 'Function' && { url: 'http://u', latestReadyRevision: 'r', exports: ['a'] }) },
          } as KubeObject,
          { subresource: 'status' },
        );
    }
    const where = kind.namespaced ? `/namespaces/${namespace}` : '';
    const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
    const { body } = await rawRequest(connection, 'GET', `/apis/tsumugi.dev/v1${where}/${kind.plural}?includeObject=Object`, headers);
    const table = body as {
      columnDefinitions: { name: string; type: string; priority: number }[];
      rows: { cells: unknown[]; object: KubeObject }[];
    };
    expect(kind.columns.map(({ name, type, priority = 0 }) => ({ name, type, priority }))).toEqual(
      table.columnDefinitions.map(({ name, type, priority }) => ({ name, type, priority })),
    );
    const rows = table.rows.filter(({ object }) => made.includes(object.metadata.name));
    expect(rows).toHaveLength(samples.length);
    for (const { cells, object } of rows) expect(printCells(kind, object).slice(0, -1)).toEqual(cells.slice(0, -1));
    if (!kind.namespaced) for (const name of made) await client.delete(kind, { name });
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
