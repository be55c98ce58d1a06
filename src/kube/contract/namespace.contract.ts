import { expect, it } from 'vitest';
import {
  type Bench,
  configMap,
  type ConfigMap,
  configMaps,
  eventually,
  failure,
  gone,
  makeNamespace,
  type Namespace,
  namespaces,
  pod,
  pods,
  refusal,
  secrets,
  unique,
} from './bench.contract.ts';

export function namespaceContract(bench: Bench): void {
  it('takes all its content with it', async () => {
    const name = unique('contract-ns');
    await makeNamespace(bench.client, name);
    await bench.client.create(configMaps, configMap(name, 'one'));
    await bench.client.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'two', namespace: name } });
    await bench.client.create(pods, pod(name, 'three'));
    await bench.client.delete(namespaces, { name });
    await gone(bench.client, namespaces, undefined, name);
    for (const resource of [configMaps, secrets, pods]) expect((await bench.client.list(resource, { namespace: name })).items).toEqual([]);
    // The name is free again, and empty.
    await makeNamespace(bench.client, name);
    expect(await refusal(bench.client.get(configMaps, { namespace: name, name: 'one' }))).toMatchObject({ reason: 'NotFound' });
    await bench.client.delete(namespaces, { name });
  });

  it('stays, terminating, while something in it is held, and takes nothing new', { timeout: 60_000 }, async () => {
    const name = unique('contract-ns');
    await makeNamespace(bench.client, name);
    await bench.client.create(configMaps, configMap(name, 'held', {}, { finalizers: ['example.com/hold'] }));
    await bench.client.delete(namespaces, { name });
    await eventually(async () =>
      expect((await bench.client.get<ConfigMap>(configMaps, { namespace: name, name: 'held' })).metadata.deletionTimestamp).toBeTruthy(),
    );
    const dying = await bench.client.get<Namespace>(namespaces, { name });
    expect(dying).toMatchObject({ spec: { finalizers: ['kubernetes'] }, status: { phase: 'Terminating' } });
    expect(dying.metadata.deletionTimestamp).toBeTruthy();

    expect(await refusal(bench.client.create(configMaps, configMap(name, 'late')))).toEqual(
      failure(
        403,
        'Forbidden',
        `configmaps "late" is forbidden: unable to create new content in namespace ${name} because it is being terminated`,
        {
          name: 'late',
          kind: 'configmaps',
          causes: [{ reason: 'NamespaceTerminating', message: `namespace ${name} is being terminated`, field: 'metadata.namespace' }],
        },
      ),
    );

    await bench.client.patch(configMaps, { namespace: name, name: 'held' }, { type: 'merge', body: { metadata: { finalizers: null } } });
    await gone(bench.client, namespaces, undefined, name);
  });

  it('refuses a name that is no DNS label', async () => {
    const status = await refusal(bench.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a.b' } }));
    expect(status).toMatchObject({
      code: 422,
      reason: 'Invalid',
      details: { name: 'a.b', kind: 'Namespace', causes: [{ reason: 'FieldValueInvalid', field: 'metadata.name' }] },
    });
  });
}
