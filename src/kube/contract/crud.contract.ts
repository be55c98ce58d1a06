import { expect, it } from 'vitest';
import {
  type Bench,
  configMap,
  type ConfigMap,
  configMaps,
  eventually,
  failure,
  invalid,
  type Namespace,
  namespaces,
  notFound,
  refusal,
  type Secret,
  secrets,
  unique,
} from './bench.contract.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function crudContract(bench: Bench): void {
  const make = (name: string, data?: Record<string, string>, metadata?: object): Promise<ConfigMap> =>
    bench.client.create(configMaps, configMap(bench.namespace, name, data, metadata));
  const key = (name: string): { namespace: string; name: string } => ({ namespace: bench.namespace, name });

  it('gives a new object its uid, version and time, and gives it back as it was made', async () => {
    const name = unique();
    const made = await make(name, { a: '1' }, { labels: { x: 'y' }, annotations: { note: 'ü "quoted"\n' } });
    expect(made).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { a: '1' } });
    expect(made.metadata).toMatchObject({ name, namespace: bench.namespace, labels: { x: 'y' }, annotations: { note: 'ü "quoted"\n' } });
    expect(made.metadata.uid).toMatch(uuid);
    expect(made.metadata.resourceVersion).toMatch(/^[1-9][0-9]*$/);
    expect(made.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(made.metadata.generation).toBeUndefined();
    expect(await bench.client.get(configMaps, key(name))).toEqual(made);
  });

  it('ignores a uid, time and generation that the caller made up', async () => {
    const made = await make(unique(), undefined, {
      uid: 'mine',
      creationTimestamp: '2001-01-01T00:00:00Z',
      deletionTimestamp: '2001-01-01T00:00:00Z',
      generation: 7,
    });
    expect(made.metadata.uid).toMatch(uuid);
    expect(made.metadata.creationTimestamp).not.toMatch(/^2001/);
    expect(made.metadata.deletionTimestamp).toBeUndefined();
  });

  it('says what is not there', async () => {
    expect(await refusal(bench.client.get(configMaps, key('absent')))).toEqual(notFound('configmaps', 'absent'));
    expect(await refusal(bench.client.get(namespaces, { name: 'absent' }))).toEqual(notFound('namespaces', 'absent'));
    expect(await refusal(bench.client.update(configMaps, configMap(bench.namespace, 'absent')))).toEqual(notFound('configmaps', 'absent'));
    expect(await refusal(bench.client.create(configMaps, configMap('no-such-namespace', 'x')))).toEqual(
      notFound('namespaces', 'no-such-namespace'),
    );
  });

  it('refuses to make what exists', async () => {
    const name = unique();
    await make(name);
    expect(await refusal(make(name))).toEqual(
      failure(409, 'AlreadyExists', `configmaps "${name}" already exists`, { name, kind: 'configmaps' }),
    );
  });

  it('refuses to make an object that has a version already', async () => {
    const status = await refusal(make(unique(), {}, { resourceVersion: '5' }));
    expect(status).toMatchObject({ code: 500, message: 'resourceVersion should not be set on objects to be created' });
  });

  it('makes up a name from generateName', async () => {
    const base = configMap(bench.namespace, '', { a: '1' });
    const made = await Promise.all(
      [0, 1].map(() =>
        bench.client.create<ConfigMap>(configMaps, {
          ...base,
          metadata: { namespace: bench.namespace, generateName: 'made-' } as ConfigMap['metadata'],
        }),
      ),
    );
    const names = made.map((each) => each.metadata.name);
    for (const name of names) expect(name).toMatch(/^made-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(names[0]).not.toBe(names[1]);
    expect(made[0]?.metadata.generateName).toBe('made-');
  });

  it('cuts a long generateName so that the name stays valid', async () => {
    const metadata = { namespace: bench.namespace, generateName: 'a'.repeat(250) } as ConfigMap['metadata'];
    const made = await bench.client.create<ConfigMap>(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata });
    expect(made.metadata.name).toMatch(/^a{58}[a-z0-9]{5}$/);
  });

  it('needs a name or a generateName', async () => {
    const nameless = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: bench.namespace } } as ConfigMap;
    const message = 'Required value: name or generateName is required';
    const causes = [{ reason: 'FieldValueRequired', message, field: 'metadata.name' }];
    expect(await refusal(bench.client.create(configMaps, nameless))).toEqual(
      failure(422, 'Invalid', `ConfigMap "" is invalid: metadata.name: ${message}`, { kind: 'ConfigMap', causes }),
    );
  });

  it('stores nothing on a dry run, and answers as if it had', async () => {
    const name = unique();
    const dry = await bench.client.create(configMaps, configMap(bench.namespace, name, { a: '1' }), { dryRun: true });
    expect(dry.metadata.uid).toMatch(uuid);
    expect(await refusal(bench.client.get(configMaps, key(name)))).toMatchObject({ reason: 'NotFound' });

    const made = await make(name, { a: '1' });
    expect(await bench.client.update(configMaps, { ...made, data: { a: '2' } }, { dryRun: true })).toMatchObject({ data: { a: '2' } });
    expect(await refusal(bench.client.create(configMaps, configMap(bench.namespace, name), { dryRun: true }))).toMatchObject({
      reason: 'AlreadyExists',
    });
    expect(await bench.client.get(configMaps, key(name))).toEqual(made);
  });

  it('replaces an object on update, and keeps what is not for the caller to change', async () => {
    const name = unique();
    const made = await make(name, { a: '1', b: '1' }, { labels: { x: 'y' } });
    const updated = await bench.client.update<ConfigMap>(configMaps, configMap(bench.namespace, name, { a: '2' }));
    expect(updated.data).toEqual({ a: '2' });
    expect(updated.metadata.labels).toBeUndefined();
    expect(updated.metadata).toMatchObject({ uid: made.metadata.uid, creationTimestamp: made.metadata.creationTimestamp });
    expect(Number(updated.metadata.resourceVersion)).toBeGreaterThan(Number(made.metadata.resourceVersion));
    expect(await bench.client.get(configMaps, key(name))).toEqual(updated);
  });

  it('refuses an update of an old version', async () => {
    const name = unique();
    const made = await make(name, { a: '1' });
    await bench.client.update(configMaps, { ...made, data: { a: '2' } });
    expect(await refusal(bench.client.update(configMaps, { ...made, data: { a: '3' } }))).toEqual(
      failure(
        409,
        'Conflict',
        `Operation cannot be fulfilled on configmaps "${name}": the object has been modified; please apply your changes to the latest version and try again`,
        { name, kind: 'configmaps' },
      ),
    );
  });

  it('lets exactly one of many updates of the same version win', async () => {
    const made = await make(unique(), { n: '0' });
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) => bench.client.update(configMaps, { ...made, data: { n: `${n + 1}` } })),
    );
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ status: { reason: 'Conflict' } });
  });

  it('refuses an update meant for another object of the same name', async () => {
    const made = await make(unique(), { a: '1' });
    const other = { ...made, metadata: { ...made.metadata, uid: '11111111-2222-3333-4444-555555555555' } };
    const { resourceVersion: _, ...metadata } = other.metadata;
    const status = await refusal(bench.client.update(configMaps, { ...other, metadata }));
    expect(status).toMatchObject({ code: 409, reason: 'Conflict', details: { name: made.metadata.name, kind: 'configmaps' } });
    expect(status.message).toContain(
      `Precondition failed: UID in precondition: ${other.metadata.uid}, UID in object meta: ${made.metadata.uid}`,
    );
  });

  it('keeps the version when an update changes nothing', async () => {
    const made = await make(unique(), { a: '1' });
    const again = await bench.client.update(configMaps, made);
    expect(again.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
  });

  it('keeps an immutable ConfigMap', async () => {
    const name = unique();
    await bench.client.create(configMaps, { ...configMap(bench.namespace, name, { a: '1' }), immutable: true });
    const status = await refusal(bench.client.update(configMaps, { ...configMap(bench.namespace, name, { a: '2' }), immutable: true }));
    expect(status).toEqual(
      invalid('ConfigMap', name, 'data', 'FieldValueForbidden', 'Forbidden: field is immutable when `immutable` is set'),
    );
  });

  it('stores the stringData of a Secret as data, and defaults its type', async () => {
    const name = unique();
    const secret: Secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: bench.namespace },
      data: { a: 'YQ==' },
      stringData: { b: 'bé' },
    };
    const made = await bench.client.create(secrets, secret);
    expect(made).toMatchObject({ type: 'Opaque', data: { a: 'YQ==', b: 'YsOp' } });
    expect(made).not.toHaveProperty('stringData');
    const status = await refusal(bench.client.update<Secret>(secrets, { ...made, type: 'other/type' }));
    expect(status).toEqual(invalid('Secret', name, 'type', 'FieldValueInvalid', 'Invalid value: "other/type": field is immutable'));
  });

  it('gives a Namespace its label, finalizer and phase', async () => {
    const made = await bench.client.get<Namespace>(namespaces, { name: bench.namespace });
    expect(made.metadata.labels).toEqual({ 'kubernetes.io/metadata.name': bench.namespace });
    expect(made.metadata.namespace).toBeUndefined();
    expect(made).toMatchObject({ spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } });
  });

  it('answers raw paths, and refuses those of nothing', async () => {
    expect(JSON.parse(await bench.client.raw('/version'))).toMatchObject({ major: '1', minor: '36' });
    // A server that has just started may need a moment.
    await eventually(async () => expect(await bench.client.raw('/readyz')).toBe('ok'));
    expect(await refusal(bench.client.raw('/api/v1/nonsense'))).toMatchObject({ code: 404, reason: 'NotFound' });
  });
}
