/** ResourceQuota: what is counted, what is refused and how, what may be written. */
import { configMap, pod } from './objects.ts';
import { inNamespace, within } from './step.ts';
import type { Chapter } from './step.ts';

const needs = (requests: object, limits: object = {}): Record<string, unknown> => ({
  containers: [{ name: 'main', image: 'host', resources: { requests, limits } }],
});

export const quota: Chapter = inNamespace((namespace) => {
  const at = within(namespace);
  // The ConfigMap that a whole Kubernetes puts into each namespace is not counted by these.
  return [
    at(
      'create quota most --hard=pods=2,secrets=1,count/leases.coordination.k8s.io=1,requests.cpu=1,limits.memory=1Gi,requests.storage=1Gi',
    ),
    at('wait --for=jsonpath={.status.hard.pods}=2 quota/most --timeout=30s'),
    at('get quota'),
    at('describe quota most'),
    at('create secret generic first --from-literal=a=b'),
    at('create secret generic second --from-literal=a=b'),
    at('create secret generic second --from-literal=a=b --dry-run=server'),
    at('create -f -', pod('silent')),
    at('create -f -', pod('large', {}, needs({ cpu: '1500m' }, { memory: '2Gi' }))),
    at('create -f -', pod('one', {}, needs({ cpu: '300m' }, { memory: '256Mi' }))),
    at('create -f -', pod('two', {}, needs({ cpu: '0.5' }, { memory: '512Mi' }))),
    at('create -f -', pod('three', {}, needs({ cpu: '300m' }, { memory: '256Mi' }))),
    at('wait --for=jsonpath={.status.used.pods}=2 quota/most --timeout=30s'),
    at('get quota most'),
    at('describe quota'),
    at('get quota most -o jsonpath={.status}'),
    at('delete pod one'),
    at('wait --for=jsonpath={.status.used.pods}=1 quota/most --timeout=30s'),
    at('describe quota most'),
    at('create -f -', configMap('free', { a: 'b' })),
    at(
      'apply -f -',
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'much' },
        spec: { storageClassName: '', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } },
      }),
    ),
    at('create quota effort --hard=pods=1 --scopes=BestEffort'),
    at('delete quota most'),
    at('wait --for=jsonpath={.status.hard.pods}=1 quota/effort --timeout=30s'),
    at('create -f -', pod('carefree')),
    at('create -f -', pod('careless')),
    at('create -f -', pod('careful', {}, needs({ cpu: '1m' }))),
    at('describe quota effort'),
    at('create quota bad --hard=pods=-1'),
    at('create quota bad --hard=pods=1.5'),
    at('create quota bad --hard=nonsense=1'),
    at('create quota bad --hard=services=1 --scopes=BestEffort'),
    at('create quota bad --hard=pods=1 --scopes=Nonsense'),
    at('create quota bad --hard=pods=1 --scopes=BestEffort,NotBestEffort'),
    at(`patch quota effort --type=merge -p '{"spec":{"scopes":["Terminating"]}}'`),
    at('delete quota effort'),
  ];
});
