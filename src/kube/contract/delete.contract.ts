import { expect, it } from 'vitest';
import { type Bench, configMap, type ConfigMap, configMaps, failure, notFound, refusal, tapped, unique } from './bench.contract.ts';

export function deleteContract(bench: Bench): void {
  const make = (metadata: object = {}): Promise<ConfigMap> =>
    bench.client.create(configMaps, configMap(bench.namespace, unique(), { a: '1' }, metadata));
  const keyOf = (object: ConfigMap): { namespace: string; name: string } => ({ namespace: bench.namespace, name: object.metadata.name });
  const finalizers = (object: ConfigMap, value: readonly string[] | null): Promise<ConfigMap> =>
    bench.client.patch(configMaps, keyOf(object), { type: 'merge', body: { metadata: { finalizers: value } } });

  it('removes at once what nothing holds', async () => {
    const made = await make();
    await bench.client.delete(configMaps, keyOf(made));
    expect(await refusal(bench.client.get(configMaps, keyOf(made)))).toEqual(notFound('configmaps', made.metadata.name));
    expect(await refusal(bench.client.delete(configMaps, keyOf(made)))).toEqual(notFound('configmaps', made.metadata.name));
  });

  it('checks the preconditions', async () => {
    const made = await make();
    const { name, uid, resourceVersion } = made.metadata;
    const details = { name, kind: 'ConfigMap' };
    expect(await refusal(bench.client.delete(configMaps, keyOf(made), { preconditions: { uid: 'other' } }))).toEqual(
      failure(
        409,
        'Conflict',
        `Operation cannot be fulfilled on ConfigMap "${name}": the UID in the precondition (other) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
        details,
      ),
    );
    expect(await refusal(bench.client.delete(configMaps, keyOf(made), { preconditions: { resourceVersion: '1' } }))).toEqual(
      failure(
        409,
        'Conflict',
        `Operation cannot be fulfilled on ConfigMap "${name}": the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`,
        details,
      ),
    );
    await bench.client.delete(configMaps, keyOf(made), { preconditions: { uid: uid ?? '', resourceVersion: resourceVersion ?? '' } });
    expect(await refusal(bench.client.get(configMaps, keyOf(made)))).toMatchObject({ reason: 'NotFound' });
  });

  it('deletes nothing on a dry run', async () => {
    const made = await make();
    await bench.client.delete(configMaps, keyOf(made), { dryRun: true });
    expect(await bench.client.get(configMaps, keyOf(made))).toEqual(made);
  });

  it('waits for finalizers, and goes with the last of them', async () => {
    const made = await make({ finalizers: ['example.com/one', 'example.com/two'] });
    await bench.client.delete(configMaps, keyOf(made));
    const dying = await bench.client.get<ConfigMap>(configMaps, keyOf(made));
    expect(dying.metadata).toMatchObject({ deletionGracePeriodSeconds: 0, finalizers: ['example.com/one', 'example.com/two'] });
    expect(dying.metadata.deletionTimestamp).toMatch(/Z$/);

    // Again: fine, and changes nothing.
    await bench.client.delete(configMaps, keyOf(made));
    expect((await bench.client.get<ConfigMap>(configMaps, keyOf(made))).metadata.deletionTimestamp).toBe(dying.metadata.deletionTimestamp);

    expect((await finalizers(made, ['example.com/two'])).metadata.finalizers).toEqual(['example.com/two']);
    await finalizers(made, null);
    expect(await refusal(bench.client.get(configMaps, keyOf(made)))).toMatchObject({ reason: 'NotFound' });
  });

  it('shows the steps of such a deletion to watchers', async () => {
    const label = unique('l');
    const made = await make({ finalizers: ['example.com/hold'], labels: { steps: label } });
    const watch = { namespace: bench.namespace, labelSelector: `steps=${label}`, resourceVersion: made.metadata.resourceVersion ?? '' };
    await tapped<ConfigMap, void>(bench.client, configMaps, watch, async (tap) => {
      await bench.client.delete(configMaps, keyOf(made));
      expect(await tap.next()).toBe(`MODIFIED ${made.metadata.name}`);
      await finalizers(made, []);
      expect(await tap.next()).toBe(`DELETED ${made.metadata.name}`);
    });
  });

  it('refuses new finalizers on, and a new object in place of, what is being deleted', async () => {
    const made = await make({ finalizers: ['example.com/hold'] });
    const { name } = made.metadata;
    await bench.client.delete(configMaps, keyOf(made));
    expect(await refusal(bench.client.create(configMaps, configMap(bench.namespace, name)))).toEqual(
      failure(409, 'AlreadyExists', `object is being deleted: configmaps "${name}" already exists`, { name, kind: 'configmaps' }),
    );
    const status = await refusal(finalizers(made, ['example.com/hold', 'example.com/more']));
    expect(status).toMatchObject({ code: 422, reason: 'Invalid' });
    expect(status.message).toBe(
      `ConfigMap "${name}" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/more"}`,
    );
    await finalizers(made, null);
  });

  it('refuses the deletion of the default namespace', async () => {
    const status = await refusal(
      bench.client.delete({ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false }, { name: 'default' }),
    );
    expect(status).toEqual(
      failure(403, 'Forbidden', 'namespaces "default" is forbidden: this namespace may not be deleted', {
        name: 'default',
        kind: 'namespaces',
      }),
    );
  });
}
