import { expect, it } from 'vitest';
import type { KubeObject } from '../../resources/object.ts';
import { functions } from '../../resources/resources.ts';
import { type Bench, failure, refusal, tapped, unique } from './bench.contract.ts';

interface Fn extends KubeObject {
  readonly spec: {
    readonly source?: { readonly inline?: string };
    readonly timeoutSeconds?: number;
    readonly scale?: { readonly max?: number };
  };
  readonly status?: { readonly url?: string; readonly observedGeneration?: number };
}

const source = { inline: 'export default () => 1' };

/** A kind of ours: on a real API server a custom resource, which behaves a little different from the built-in ones. */
export function customContract(bench: Bench): void {
  const body = (name: string, spec: object = {}, more: object = {}): Fn => ({
    apiVersion: 'tsumugi.dev/v1',
    kind: 'Function',
    metadata: { name, namespace: bench.namespace },
    spec: { source, ...spec },
    ...more,
  });
  const make = (spec?: object, more?: object): Promise<Fn> => bench.client.create(functions, body(unique('f'), spec, more));
  const key = (object: Fn): { namespace: string; name: string } => ({ namespace: bench.namespace, name: object.metadata.name });
  const merge = (object: Fn, patch: object, subresource?: string): Promise<Fn> =>
    bench.client.patch(functions, key(object), { type: 'merge', body: patch }, subresource ? { subresource } : {});

  it('counts the generations of its spec alone', async () => {
    const made = await make();
    expect(made.metadata.generation).toBe(1);
    expect((await merge(made, { spec: { timeoutSeconds: 5 } })).metadata.generation).toBe(2);
    expect((await merge(made, { metadata: { labels: { a: 'b' } } })).metadata.generation).toBe(2);
    expect((await merge(made, { status: { url: 'http://x' } }, 'status')).metadata.generation).toBe(2);
    expect((await merge(made, { spec: { timeoutSeconds: 5 } })).metadata.generation).toBe(2);
  });

  it('keeps spec and status apart', async () => {
    const made = await make({}, { status: { url: 'http://made' } });
    expect(made.status).toBeUndefined();
    const written = await bench.client.update<Fn>(
      functions,
      { ...made, spec: { ...made.spec, timeoutSeconds: 9 }, status: { url: 'http://status', observedGeneration: 1 } },
      { subresource: 'status' },
    );
    expect(written).toMatchObject({ spec: made.spec, status: { url: 'http://status', observedGeneration: 1 } });
    const updated = await bench.client.update<Fn>(functions, {
      ...written,
      spec: { ...written.spec, timeoutSeconds: 9 },
      status: { url: 'http://ignored' },
    });
    expect(updated).toMatchObject({ spec: { timeoutSeconds: 9 }, status: { url: 'http://status' } });
    // Labels are for the main resource.
    const labelled = await merge(made, { metadata: { labels: { a: 'b' } }, status: { url: 'http://again' } }, 'status');
    expect(labelled.metadata.labels).toBeUndefined();
    expect(labelled.status?.url).toBe('http://again');
    const cleared = await merge(made, { status: null }, 'status');
    expect(cleared.status).toBeUndefined();
  });

  it('needs a version for an update', async () => {
    const made = await make();
    const { resourceVersion: _, ...metadata } = made.metadata;
    const status = await refusal(bench.client.update(functions, { ...made, metadata }));
    expect(status).toMatchObject({
      code: 422,
      reason: 'Invalid',
      details: { name: made.metadata.name, group: 'tsumugi.dev', kind: 'functions' },
    });
    expect(status.message).toBe(
      `functions.tsumugi.dev "${made.metadata.name}" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update`,
    );
  });

  it('names its group in errors', async () => {
    const { name } = (await make()).metadata;
    const details = (of: string): object => ({ name: of, group: 'tsumugi.dev', kind: 'functions' });
    expect(await refusal(bench.client.create(functions, body(name)))).toEqual(
      failure(409, 'AlreadyExists', `functions.tsumugi.dev "${name}" already exists`, details(name)),
    );
    expect(await refusal(bench.client.get(functions, { namespace: bench.namespace, name: 'absent' }))).toEqual(
      failure(404, 'NotFound', 'functions.tsumugi.dev "absent" not found', details('absent')),
    );
  });

  it('takes JSON and merge patches, and no strategic ones', async () => {
    const made = await make({ scale: { max: 3 } });
    const patched = await bench.client.patch<Fn>(functions, key(made), {
      type: 'json',
      body: [{ op: 'replace', path: '/spec/scale/max', value: 4 }],
    });
    expect(patched.spec.scale?.max).toBe(4);
    expect((await merge(made, { spec: { scale: null } })).spec.scale?.max).not.toBe(4);
    const status = await refusal(bench.client.patch(functions, key(made), { type: 'strategic', body: { spec: { timeoutSeconds: 5 } } }));
    expect(status).toMatchObject({ code: 415, reason: 'UnsupportedMediaType' });
  });

  it('drops unknown fields, and refuses them when validation is strict', async () => {
    expect((await make({ sale: { max: 1 } })).spec).not.toHaveProperty('sale');
    const status = await refusal(bench.client.create(functions, body(unique('f'), { sale: 1 }), { fieldValidation: 'Strict' }));
    expect(status).toMatchObject({ code: 400, reason: 'BadRequest' });
    expect(status.message).toContain('strict decoding error: unknown field "spec.sale"');
    const made = await make();
    const patched = await refusal(
      bench.client.patch(functions, key(made), { type: 'merge', body: { spec: { sale: 1 } } }, { fieldValidation: 'Strict' }),
    );
    expect(patched.message).toContain('unknown field "spec.sale"');
  });

  it('names the wrong field of its spec', async () => {
    const status = await refusal(make({ timeoutSeconds: 'long' }));
    expect(status).toMatchObject({ code: 422, reason: 'Invalid', details: { group: 'tsumugi.dev', kind: 'Function' } });
    // Kubernetes adds that it has not looked at the rules.
    expect(status.details?.causes?.[0]).toMatchObject({ reason: 'FieldValueTypeInvalid', field: 'spec.timeoutSeconds' });
    expect(status.message).toContain(
      'spec.timeoutSeconds: Invalid value: "string": spec.timeoutSeconds in body must be of type integer: "string"',
    );
  });

  it('is listed, selected and watched like any other kind', async () => {
    const label = unique('l');
    const made = await make({}, { metadata: { name: unique('f'), namespace: bench.namespace, labels: { mine: label } } });
    const list = await bench.client.list<Fn>(functions, { namespace: bench.namespace, labelSelector: `mine=${label}` });
    expect(list.items).toEqual([made]);
    expect(await refusal(bench.client.list(functions, { namespace: bench.namespace, fieldSelector: 'spec.runtime=node' }))).toMatchObject({
      code: 400,
      reason: 'BadRequest',
    });
    const watch = { namespace: bench.namespace, labelSelector: `mine=${label}`, resourceVersion: list.metadata.resourceVersion };
    await tapped<Fn, void>(bench.client, functions, watch, async (tap) => {
      const changed = await merge(made, { status: { url: 'http://x' } }, 'status');
      expect(await tap.event()).toEqual({ type: 'MODIFIED', object: changed });
      await bench.client.delete(functions, key(made));
      expect(await tap.next()).toBe(`DELETED ${made.metadata.name}`);
    });
  });
}
