import { expect, it } from 'vitest';
import { type Bench, failure, type Pod, pod, pods, refusal, unique } from './bench.contract.ts';

/** Pods as objects: nothing here needs a node, and no node may take them (`nodeName: nowhere`). */
export function podContract(bench: Bench): void {
  const make = (spec: object = {}, metadata: object = {}): Promise<Pod> =>
    bench.client.create(pods, pod(bench.namespace, unique('p'), { nodeName: 'nowhere', ...spec }, metadata));
  const keyOf = (object: Pod): { namespace: string; name: string } => ({ namespace: bench.namespace, name: object.metadata.name });
  const now = { gracePeriodSeconds: 0 };

  it('fills in the defaults', async () => {
    const made = await make({
      containers: [
        { name: 'a', image: 'host' },
        { name: 'b', image: 'tsumugi/node:1', ports: [{ containerPort: 80 }] },
      ],
    });
    expect(made.metadata.generation).toBe(1);
    expect(made.spec).toMatchObject({
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
      securityContext: {},
      enableServiceLinks: true,
      containers: [
        { imagePullPolicy: 'Always', resources: {}, terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File' },
        { imagePullPolicy: 'IfNotPresent', ports: [{ containerPort: 80, protocol: 'TCP' }] },
      ],
    });
    expect(made.status).toMatchObject({ phase: 'Pending', qosClass: 'BestEffort' });
    await bench.client.delete(pods, keyOf(made), now);
  });

  it('refuses what cannot run, naming every wrong field', async () => {
    expect(await refusal(bench.client.create(pods, pod(bench.namespace, 'bad', { containers: [] })))).toEqual(
      failure(422, 'Invalid', 'Pod "bad" is invalid: spec.containers: Required value', {
        name: 'bad',
        kind: 'Pod',
        causes: [{ reason: 'FieldValueRequired', message: 'Required value', field: 'spec.containers' }],
      }),
    );
    const status = await refusal(
      bench.client.create(
        pods,
        pod(bench.namespace, 'bad', { restartPolicy: 'Sometimes', containers: [{ image: 'host' }, { name: 'A_' }] }),
      ),
    );
    expect(status.details?.causes?.map(({ reason, field }) => `${field} ${reason}`).toSorted()).toEqual([
      'spec.containers[0].name FieldValueRequired',
      'spec.containers[1].image FieldValueRequired',
      'spec.containers[1].name FieldValueInvalid',
      'spec.restartPolicy FieldValueNotSupported',
    ]);
    expect(status.message).toContain(
      'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
    );
  });

  it('lets little of the spec be changed', async () => {
    const made = await make();
    const status = await refusal(
      bench.client.patch(pods, keyOf(made), { type: 'merge', body: { spec: { terminationGracePeriodSeconds: 3 } } }),
    );
    expect(status).toMatchObject({ code: 422, reason: 'Invalid', details: { causes: [{ reason: 'FieldValueForbidden', field: 'spec' }] } });
    expect(status.message).toContain(
      `Pod "${made.metadata.name}" is invalid: spec: Forbidden: pod updates may not change fields other than`,
    );

    const imaged = await bench.client.patch<Pod>(pods, keyOf(made), {
      type: 'json',
      body: [{ op: 'replace', path: '/spec/containers/0/image', value: 'tsumugi/node' }],
    });
    expect(imaged.metadata.generation).toBe(2);
    const labelled = await bench.client.patch<Pod>(pods, keyOf(made), { type: 'merge', body: { metadata: { labels: { a: 'b' } } } });
    expect(labelled.metadata.generation).toBe(2);
    await bench.client.delete(pods, keyOf(made), now);
  });

  it('status: is written by its subresource, and by nothing else', async () => {
    const made = await make();
    const ready = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    const ignored = await bench.client.update<Pod>(pods, { ...made, status: ready });
    expect(ignored.status?.phase).toBe('Pending');

    const written = await bench.client.update<Pod>(
      pods,
      { ...made, spec: { ...made.spec, restartPolicy: 'Never' }, status: ready },
      { subresource: 'status' },
    );
    expect(written.status).toMatchObject(ready);
    expect(written.spec).toEqual(made.spec);
    expect(written.metadata.generation).toBe(made.metadata.generation);

    const merged = await bench.client.patch<Pod>(
      pods,
      keyOf(made),
      { type: 'merge', body: { status: { phase: 'Succeeded' } } },
      { subresource: 'status' },
    );
    expect(merged.status).toMatchObject({ phase: 'Succeeded', conditions: ready.conditions });
    expect(await bench.client.get(pods, keyOf(made))).toEqual(merged);
    await bench.client.delete(pods, keyOf(made), now);
  });

  it('status: merges conditions by type in a strategic patch', async () => {
    const made = await make();
    const patch = (type: string, status: string): Promise<Pod> =>
      bench.client.patch(
        pods,
        keyOf(made),
        { type: 'strategic', body: { status: { conditions: [{ type, status }] } } },
        { subresource: 'status' },
      );
    await patch('Ready', 'False');
    await patch('Initialized', 'True');
    const { status } = await patch('Ready', 'True');
    expect(status?.conditions?.map(({ type, status }) => `${type}=${status}`).toSorted()).toEqual(['Initialized=True', 'Ready=True']);
    await bench.client.delete(pods, keyOf(made), now);
  });

  it('status: refuses an old version, and an absent pod', async () => {
    const made = await make();
    await bench.client.patch(pods, keyOf(made), { type: 'merge', body: { metadata: { labels: { a: 'b' } } } });
    expect(await refusal(bench.client.update(pods, made, { subresource: 'status' }))).toMatchObject({ code: 409, reason: 'Conflict' });
    const absent = { ...made, metadata: { name: 'absent', namespace: bench.namespace } };
    expect(await refusal(bench.client.update(pods, absent, { subresource: 'status' }))).toMatchObject({ code: 404, reason: 'NotFound' });
    await bench.client.delete(pods, keyOf(made), now);
  });

  it('deletion gives a placed pod its grace period, and takes it at once without', async () => {
    const made = await make({ terminationGracePeriodSeconds: 20 });
    await bench.client.delete(pods, keyOf(made));
    const dying = await bench.client.get<Pod>(pods, keyOf(made));
    expect(dying.metadata.deletionGracePeriodSeconds).toBe(20);
    const lead = Date.parse(dying.metadata.deletionTimestamp ?? '') - Date.parse(dying.metadata.creationTimestamp ?? '');
    expect(lead).toBeGreaterThanOrEqual(20_000);

    // It may be shortened, not lengthened.
    await bench.client.delete(pods, keyOf(made), { gracePeriodSeconds: 5 });
    expect((await bench.client.get<Pod>(pods, keyOf(made))).metadata.deletionGracePeriodSeconds).toBe(5);
    await bench.client.delete(pods, keyOf(made), { gracePeriodSeconds: 25 });
    expect((await bench.client.get<Pod>(pods, keyOf(made))).metadata.deletionGracePeriodSeconds).toBe(5);

    await bench.client.delete(pods, keyOf(made), now);
    expect(await refusal(bench.client.get(pods, keyOf(made)))).toMatchObject({ reason: 'NotFound' });
  });

  it('deletion takes at once a pod that no node has, or that has ended', async () => {
    const waiting = await bench.client.create<Pod>(pods, pod(bench.namespace, unique('p')));
    await bench.client.delete(pods, keyOf(waiting));
    expect(await refusal(bench.client.get(pods, keyOf(waiting)))).toMatchObject({ reason: 'NotFound' });

    const ended = await make();
    await bench.client.patch(pods, keyOf(ended), { type: 'merge', body: { status: { phase: 'Failed' } } }, { subresource: 'status' });
    await bench.client.delete(pods, keyOf(ended));
    expect(await refusal(bench.client.get(pods, keyOf(ended)))).toMatchObject({ reason: 'NotFound' });
  });
}
