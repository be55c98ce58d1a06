/** create in all its forms; apply with all that hangs on it: prune, kustomize, folders, the last-applied configuration; diff. */
import { configMap, documents, fn, pod } from './objects.ts';
import { edited, files, inNamespace, within } from './step.ts';

export const create = inNamespace((namespace) => {
  const here = within(namespace);
  return [
    files({
      'conf/a.txt': 'alpha\n',
      'conf/b.bin': '\u0001\u0002',
      'vars.env': '# said\nA=1\nB=two words\n',
      'tls.crt': certificate,
      'tls.key': key,
    }),
    here('create configmap folder --from-file=conf'),
    here('get cm folder -o yaml'),
    here('create configmap named --from-file=x=conf/a.txt --from-literal=y=1'),
    here("get cm named -o jsonpath='{.data}'"),
    here('create configmap env --from-env-file=vars.env'),
    here("get cm env -o jsonpath='{.data}'"),
    here('create configmap absent --from-file=no-such-file'),
    here('create configmap twice --from-literal=a=1 --from-literal=a=2'),
    here('create configmap shown --from-literal=a=1 --dry-run=client -o yaml'),
    here('create configmap shown --from-literal=a=1 --dry-run=server -o json'),
    here('get cm shown'),
    here('create cm saved --from-literal=a=1 --save-config=true'),
    here('create configmap hashed --from-literal=a=1 --append-hash'),
    here('create secret generic plain --from-literal=a=1 --from-file=conf/a.txt'),
    here("get secret plain -o jsonpath='{.type} {.data}'"),
    here('create secret generic typed --type=example.com/own --from-literal=a=1'),
    here('get secret typed'),
    here('create secret docker-registry pull --docker-server=r.example --docker-username=u --docker-password=p'),
    here("get secret pull -o jsonpath='{.type} {.data}'"),
    here('create secret tls cert --cert=tls.crt --key=tls.key'),
    here('create secret tls broken --cert=conf/a.txt --key=tls.key'),
    here('create -f conf/a.txt'),
    here('create -f -', ''),
    here('create -f -', '{'),
    here('create -f -', 'a: b'),
    here('create -f -', JSON.stringify({ apiVersion: 'v1', kind: 'Nonsense', metadata: { name: 'x' } })),
    here('create -f -', JSON.stringify({ apiVersion: 'nonsense.example/v1', kind: 'ConfigMap', metadata: { name: 'x' } })),
    here('create -f -', documents(configMap('one', {}), configMap('two', {}), configMap('one', {}))),
    here('create -f - -o name', configMap('three', { a: '1' })),
    here('create -f -', configMap('elsewhere', {}, { metadata: { namespace: 'other-namespace' } })),
    here('create --raw=/api/v1/namespaces/NAMESPACE-OF-NOBODY/configmaps -f -', configMap('raw', {})),
    here('create -f - --validate=ignore', configMap('lax', {}).replace('"data"', '"dta"')),
    here('create -f - --validate=warn', configMap('warned', {}).replace('"data"', '"dta"')),
    here('create -f - --validate=strict', configMap('strict', {}).replace('"data"', '"dta"')),
    here(
      'create -f - --dry-run=server -o jsonpath={.metadata.generateName}',
      configMap('g', {}).replace('"name":"g"', '"generateName":"made-"'),
    ),
    here('create -f -', configMap('UPPER', {})),
    here('create -f -', configMap('key', { 'bad key!': '1' })),
    here('create -f -', pod('no-containers', {}, { containers: [] })),
    here(
      'create -f -',
      pod(
        'twice',
        {},
        {
          containers: [
            { name: 'a', image: 'x' },
            { name: 'a', image: 'y' },
          ],
        },
      ),
    ),
    here('create -f -', fn('bad', { scale: { min: -1 } })),
    here('create -f -', fn('nothing', { source: {} })),
    edited(here('create -f - --edit', configMap('edited', { a: '1' })), 'sed -i s/"1"/"2"/'),
    here("get cm edited -o jsonpath='{.data}'"),
  ];
});

export const apply = inNamespace((namespace) => {
  const here = within(namespace);
  const kustomization = `namespace: ${namespace}\nnamePrefix: k-\nresources: [map.yaml]\nconfigMapGenerator:\n- {name: gen, literals: [a=1], options: {disableNameSuffixHash: true}}\n`;
  return [
    files({
      'd/one.yaml': configMap('one', { a: '1' }, { labels: { set: 'd' } }),
      'd/two.json': configMap('two', { a: '1' }, { labels: { set: 'd' } }),
      'd/deep/three.yml': configMap('three', { a: '1' }, { labels: { set: 'd' } }),
      'k/kustomization.yaml': kustomization,
      'k/map.yaml': configMap('map', { a: '1' }),
    }),
    here('apply -f d'),
    here('apply -f d -R'),
    here('apply -f d/one.yaml -f d/two.json'),
    here('diff -f d -R'),
    here('apply -k k'),
    here('get cm k-map k-gen -o name'),
    here('diff -k k'),
    here('delete -k k'),
    here('kustomize k'),
    files({ 'd/two.json': configMap('two', { a: '2' }, { labels: { set: 'd' } }) }),
    here('diff -f d'),
    here('apply -f d -l set=other'),
    here('apply -f d --dry-run=client'),
    here('apply -f d --dry-run=server'),
    here('apply -f d -R --prune -l set=d --prune-allowlist=core/v1/ConfigMap'),
    here('get cm -l set -o name'),
    here('apply -f d --prune -l set=d --prune-allowlist=core/v1/ConfigMap'),
    here('get cm -l set -o name'),
    here('apply -f d --prune'),
    here('apply view-last-applied cm/two'),
    here('apply view-last-applied cm two -o json'),
    here('apply set-last-applied -f d/one.yaml'),
    here('create configmap bare --from-literal=a=1'),
    here('apply view-last-applied cm/bare'),
    here('apply -f -', configMap('bare', { a: '2' })),
    here('apply set-last-applied -f - --create-annotation', configMap('bare', { a: '2' })),
    edited(here('apply edit-last-applied cm/bare'), 'sed -i s/"2"/"3"/'),
    here('apply -f -', pod('web')),
    here('apply -f -', pod('web', { labels: { a: 'b' } })),
    here('apply -f -', pod('web')),
    here("get pod web -o jsonpath='{.metadata.labels}'"),
    here('apply -f -', pod('web', {}, { activeDeadlineSeconds: 10 })),
    here(
      'apply -f - --force --grace-period=0',
      pod('web', {}, { containers: [{ name: 'main', image: 'host', env: [{ name: 'B', value: '2' }] }] }),
    ),
    here("get pod web -o jsonpath='{.spec.containers[0].env}'"),
    here('apply -f -', configMap('two', { a: '3' }, { metadata: { resourceVersion: '1' } })),
    here('apply -f -', configMap('two', { a: '3' }, { metadata: { uid: '00000000-0000-4000-8000-000000000000' } })),
    here('apply -f - --validate=false', configMap('two', { a: '4' }).replace('"data"', '"dta"')),
    here('apply -f - --validate=warn', configMap('two', { a: '4' }).replace('"data"', '"dta"')),
    here('apply -f -', documents(configMap('two', { a: '5' }), '{broken', configMap('one', { a: '5' }))),
    here('apply -f -', documents(configMap('two', { a: '6' }), configMap('Bad', {}), configMap('one', { a: '6' }))),
    here("get cm one two -o jsonpath='{.items[*].data.a}'"),
    here('apply -f - -o jsonpath={.data.a}', configMap('two', { a: '7' })),
    here(
      'apply -f -',
      fn('greet', {
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
        ],
      }),
    ),
    here('apply -f -', fn('greet', { env: [{ name: 'B', value: '3' }] })),
    here("get fn greet -o jsonpath='{.spec.env}'"),
    here('apply -f -', fn('greet', { env: null as unknown as [] })),
    here('apply -f - --server-side --field-manager=a --subresource=status', fn('greet')),
    here('diff -f -', fn('greet', { timeoutSeconds: 7 })),
  ];
});

export const replace = inNamespace((namespace) => {
  const here = within(namespace);
  return [
    here('create -f -', documents(configMap('a', { a: '1' }), configMap('b', { a: '1' }))),
    here('replace -f -', documents(configMap('a', { a: '2' }), configMap('b', { a: '2' }))),
    here('replace -f - --save-config', configMap('a', { a: '3' })),
    here('replace -f - --dry-run=server -o yaml', configMap('a', { a: '4' })),
    here('replace -f - --dry-run=client', configMap('a', { a: '4' })),
    here('replace -f -', configMap('a', { a: '4' }, { metadata: { resourceVersion: '1' } })),
    here('replace -f -', configMap('a', { a: '4' }, { metadata: { resourceVersion: 'x' } })),
    here('replace -f -', configMap('a', { a: '4' }, { metadata: { uid: '00000000-0000-4000-8000-000000000000' } })),
    here('replace --force -f -', configMap('a', { a: '5' })),
    here('replace --force --grace-period=0 -f -', documents(configMap('b', { a: '6' }), configMap('new', { a: '6' }))),
    here("get cm a b new -o jsonpath='{.items[*].data.a}'"),
    here('create -f -', pod('web')),
    here('replace -f -', pod('web', {}, { containers: [{ name: 'main', image: 'other' }] })),
    here('replace -f -', pod('web', {}, { schedulerName: 'other' })),
    here('replace --force --grace-period=0 -f -', pod('web', {}, { restartPolicy: 'Never' })),
    here("get pod web -o jsonpath='{.spec.restartPolicy} {.spec.containers[0].image}'"),
    here('create -f -', fn('greet')),
    here('replace -f -', fn('greet', { timeoutSeconds: 3 })),
    here('replace -f -', fn('greet', { timeoutSeconds: 3 }, { metadata: { resourceVersion: '1' } })),
    here('replace --subresource=status -f -', fn('greet').replace('"spec"', '"status":{"url":"http://x"},"spec"')),
    here("get fn greet -o jsonpath='{.status.url}'"),
  ];
});

const certificate = `-----BEGIN CERTIFICATE-----
MIIBdDCCARmgAwIBAgIUQ2H5cJp3PaZ6bVt0sM0n7yXl0PMwCgYIKoZIzj0EAwIw
-----END CERTIFICATE-----
`;
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg
-----END PRIVATE KEY-----
`;
