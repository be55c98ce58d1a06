/** What `Kube` does on an API server, ours or Kubernetes' own. Pods are objects here: no node takes them. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isAlreadyExists, isConflict, isNotFound, Kube, type KubeNamespace } from '../index.ts';

const namespaces = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };
const container = { name: 'main', image: 'host', command: ['true'] };
const template = { spec: { restartPolicy: 'Never', nodeName: 'nowhere', containers: [container] } } as const;

export function kubeContract(open: () => Promise<{ readonly kubeconfig: string; readonly close: () => Promise<void> }>): void {
  const folder = mkdtempSync(join(tmpdir(), 'tsumugi-kube-'));
  const name = `kube-${randomBytes(4).toString('hex')}`;
  let server: Awaited<ReturnType<typeof open>>;
  let kube: Kube;
  let here: KubeNamespace;

  beforeAll(async () => {
    server = await open();
    const file = join(folder, 'kubeconfig');
    writeFileSync(file, server.kubeconfig);
    kube = await Kube.load({ kubeconfig: file });
    await kube.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    here = kube.namespace(name);
  });

  afterAll(async () => {
    await kube.client.delete(namespaces, { name });
    kube.client.close();
    await server.close();
    rmSync(folder, { recursive: true });
  });

  test('tells the version of the cluster', async () => {
    expect(await kube.version()).toMatch(/^v1\.\d+\.\d+/);
  });

  test('makes, reads, changes and deletes ConfigMaps', async () => {
    const made = await here.createConfigMap({ metadata: { name: 'words' }, data: { hello: 'world' } });
    expect(made).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: name, uid: expect.any(String) } });
    expect((await here.getConfigMap('words')).data).toEqual({ hello: 'world' });
    const changed = await here.updateConfigMap({ ...made, data: { hello: 'you' } });
    expect(changed.data).toEqual({ hello: 'you' });
    expect(await here.updateConfigMap({ ...made, data: {} }).catch(isConflict)).toBe(true);
    expect((await here.patchConfigMap('words', { type: 'merge', body: { data: { more: '1' } } })).data).toEqual({
      hello: 'you',
      more: '1',
    });
    expect(await here.createConfigMap({ metadata: { name: 'words' } }).catch(isAlreadyExists)).toBe(true);
    await here.deleteConfigMap('words');
    expect(await here.getConfigMap('words').catch(isNotFound)).toBe(true);
  });

  test('takes plain text for Secrets', async () => {
    await here.createSecret({ metadata: { name: 'login' }, stringData: { user: 'ada' } });
    const { data } = await here.getSecret('login');
    expect(Buffer.from(data?.['user'] ?? '', 'base64').toString()).toBe('ada');
    await here.deleteSecret('login');
    expect(await here.listSecrets('login')).toEqual([]);
  });

  test('lists Jobs, all of them, one, or those that selectors fit', async () => {
    const suspended = { suspend: true, template };
    await here.createJob({ metadata: { name: 'one', labels: { color: 'red' } }, spec: suspended });
    await here.createJob({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'two', namespace: name }, spec: suspended });
    const names = async (...filter: Parameters<KubeNamespace['listJobs']>): Promise<string[]> =>
      (await here.listJobs(...filter)).map(({ metadata }) => metadata.name).toSorted();
    expect(await names()).toEqual(['one', 'two']);
    expect(await names('two')).toEqual(['two']);
    expect(await names('three')).toEqual([]);
    expect(await names({ labelSelector: 'color=red' })).toEqual(['one']);
    const [job] = await here.listJobs('one');
    expect(job).toMatchObject({ apiVersion: 'batch/v1', kind: 'Job', spec: { backoffLimit: 6 } });
    await here.deleteJob('one');
    await here.deleteJob('two');
    await expect.poll(() => names(), { timeout: 20_000 }).toEqual([]);
  });

  test('tells each change of a Pod until nobody listens any more', async () => {
    const seen: string[] = [];
    await here.createPod({ metadata: { name: 'watched' }, spec: template.spec });
    for await (const { type, object } of here.watchPods('watched')) {
      seen.push(`${type} ${object.metadata.labels?.['step'] ?? ''}`.trim());
      if (type === 'ADDED') await here.patchPod('watched', { type: 'merge', body: { metadata: { labels: { step: '1' } } } });
      if (object.metadata.labels?.['step'] === '1') break;
    }
    expect(seen).toEqual(['ADDED', 'MODIFIED 1']);
    await here.deletePod('watched');
  });

  test('refuses what cannot be meant, before anything is asked', async () => {
    await expect(here.deleteJob('')).rejects.toMatchObject({ code: 'Invalid', message: 'a Job needs a name' });
    await expect(here.createJob({ kind: 'CronJob', metadata: { name: 'x' }, spec: { template } })).rejects.toMatchObject({
      field: 'kind',
      message: 'kind is "CronJob", where Job is meant',
    });
    await expect(here.createConfigMap({ metadata: { name: 'x', namespace: 'other' } })).rejects.toMatchObject({
      field: 'metadata.namespace',
    });
  });

  test('tells what the server refuses in the server’s words', async () => {
    await expect(here.createJob({ metadata: { name: 'No_Name' }, spec: { template } })).rejects.toMatchObject({
      code: 422,
      reason: 'Invalid',
      message: expect.stringContaining('metadata.name'),
    });
    await expect(here.getPodLog('nobody')).rejects.toMatchObject({ reason: 'NotFound', message: 'pods "nobody" not found' });
  });
}
