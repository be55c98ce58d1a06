/** Claims and the volumes that are kept for them. */
import { inNamespace, step, within } from './step.ts';
import type { Chapter, Step } from './step.ts';

const volume = (name: string, storage: string, claim?: { readonly namespace: string; readonly name: string }): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      capacity: { storage },
      accessModes: ['ReadWriteOnce', 'ReadOnlyMany'],
      hostPath: { path: '/var/tmp/kept' },
      ...(claim && { claimRef: claim }),
    },
  });
const claim = (name: string, spec: object): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name }, spec });
const wish = (storage: string, more: object = {}): object => ({
  accessModes: ['ReadWriteOnce'],
  storageClassName: '',
  resources: { requests: { storage } },
  ...more,
});

export const claims: Chapter = inNamespace((namespace) => {
  const at = within(namespace);
  const [name, free] = [`${namespace}-kept`, `${namespace}-free`];
  const bound = (what: string, phase = 'Bound'): Step =>
    step(`wait --for=jsonpath={.status.phase}=${phase} ${what} -n ${namespace} --timeout=30s`);
  return [
    step('create -f -', volume(name, '2Gi', { namespace, name: 'data' })),
    bound(`pv/${name}`, 'Available'),
    step(`get pv ${name}`),
    at('create -f -', claim('data', wish('1Gi'))),
    bound('pvc/data'),
    at('get pvc'),
    at('get pvc data -o wide'),
    at('get pvc data -o jsonpath={.spec}{.status}{.metadata.annotations}{.metadata.finalizers}'),
    at('describe pvc data'),
    bound(`pv/${name}`),
    step(`get pv ${name} -o wide`),
    step(`describe pv ${name}`),
    at('create -f -', claim('nothing', wish('900Ti'))),
    at('create -f -', claim('classless', wish('1Gi', { storageClassName: 'none-such' }))),
    at('get pvc nothing classless'),
    at('create -f -', claim('bad', { resources: { requests: { storage: '0' } } })),
    at('create -f -', claim('modes', wish('1Gi', { accessModes: ['Sometimes'] }))),
    step(
      'create -f -',
      JSON.stringify({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: free }, spec: { hostPath: { path: '/a/../b' } } }),
    ),
    at(`patch pvc data --type=merge -p '{"spec":{"storageClassName":"other"}}'`),
    at(`patch pvc nothing --type=merge -p '{"spec":{"resources":{"requests":{"storage":"1Gi"}}}}'`),
    step(`delete pv ${name} --wait=false`),
    step(`get pv ${name} -o jsonpath={.metadata.finalizers}`),
    at('delete pvc data'),
    step(`wait --for=delete pv/${name} --timeout=30s`),
    at('delete pvc --all'),
    at('get pvc'),
  ];
});

export const classes: Chapter = (namespace) => [
  step(
    'create -f -',
    JSON.stringify({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: namespace },
      provisioner: 'example.com/nobody',
    }),
  ),
  step(`get sc ${namespace}`),
  step(`get storageclass ${namespace} -o yaml`),
  step(`describe sc ${namespace}`),
  step(`patch sc ${namespace} --type=merge -p '{"reclaimPolicy":"Retain"}'`),
  step('create -f -', JSON.stringify({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: `${namespace}-x` } })),
  step(`delete sc ${namespace}`),
];
