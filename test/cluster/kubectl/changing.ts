/** edit, label, annotate, patch, set: changes to what is there. */
import { configMap, documents, fn, pod } from './objects.ts';
import { edited, files, inNamespace, within } from './step.ts';

export const edit = inNamespace((namespace) => {
  const here = within(namespace);
  return [
    here(
      'create -f -',
      documents(configMap('a', { k: 'one' }), configMap('b', { k: 'one' }), fn('greet', { timeoutSeconds: 5 }), pod('web')),
    ),
    edited(here('edit cm a'), 'sed -i s/one/two/'),
    here("get cm a -o jsonpath='{.data}'"),
    edited(here('edit cm a'), 'true'),
    edited(here('edit cm a'), 'false'),
    edited(here('edit cm a'), 'sed -i s/^data/dta/'),
    edited(here('edit cm a'), 'sed -i d'),
    edited(here('edit cm a'), 'sed -i "s/name: a/name: other/"'),
    edited(here('edit cm a b -o json'), 'sed -i s/one/three/'),
    edited(here('edit cm a --output-patch'), 'sed -i s/two/four/'),
    edited(here('edit cm absent'), 'true'),
    edited(here('edit fn greet'), 'sed -i s/timeoutSeconds:.5/timeoutSeconds:\\ 6/'),
    edited(here('edit fn greet'), 'sed -i s/timeoutSeconds:.6/timeoutSeconds:\\ -1/'),
    edited(here('edit pod web'), 'sed -i s/schedulerName:.nobody/schedulerName:\\ other/'),
    edited(here('edit pod web'), 'sed -i s/image:.host/image:\\ new/'),
    here("get pod web -o jsonpath='{.spec.containers[0].image}'"),
    edited(here('edit fn greet --subresource=status'), 'sed -i "\\$a status: {url: http://x}"'),
    here("get fn greet -o jsonpath='{.status.url}'"),
  ];
});

export const patch = inNamespace((namespace) => {
  const here = within(namespace);
  const on = (target: string, type: string, body: unknown, more = '') =>
    here(`patch ${target} --type=${type} -p '${JSON.stringify(body)}'${more}`);
  const two = {
    containers: [
      { name: 'main', image: 'host', env: [{ name: 'A', value: '1' }] },
      { name: 'side', image: 'side' },
    ],
  };
  return [
    files({ 'patch.yaml': 'data: {k: filed}\n' }),
    here(
      'create -f -',
      documents(configMap('a', { k: '1', l: '1' }), pod('web', { labels: { x: 'y' } }, two), fn('greet', { timeoutSeconds: 5 })),
    ),
    here('patch cm a --patch-file=patch.yaml'),
    here("patch cm a -p 'data: {k: yaml}'"),
    on('cm a', 'strategic', { data: { k: null } }),
    on('cm a', 'merge', { data: { l: 1 } }),
    on('cm a', 'merge', { data: 'no map' }),
    on('cm a', 'merge', []),
    on('cm a', 'json', { op: 'add' }),
    on(
      'cm a',
      'json',
      [
        { op: 'add', path: '/data/n', value: '1' },
        { op: 'copy', from: '/data/n', path: '/data/m' },
        { op: 'move', from: '/data/n', path: '/data/o' },
      ],
      ' -o jsonpath={.data}',
    ),
    on('cm a', 'json', [{ op: 'remove', path: '/data/absent' }]),
    on('cm a', 'json', [{ op: 'replace', path: '/data/absent/deep', value: 1 }]),
    on('cm a', 'json', [{ op: 'nonsense', path: '/data' }]),
    on('cm a', 'json', [{ op: 'add', path: '/metadata/labels', value: { a: 'b' } }], ' --dry-run=server -o jsonpath={.metadata.labels}'),
    on('cm a', 'nonsense', {}),
    on('cm a', 'merge', { metadata: { resourceVersion: '1' } }),
    on('cm a', 'merge', { metadata: { labels: { 'bad key!': 'x' } } }),
    on('cm a', 'merge', { dta: { x: '1' } }),
    on('cm absent', 'merge', { data: {} }),
    on('pod web', 'strategic', { spec: { containers: [{ name: 'side', image: 'side:2' }] } }),
    on('pod web', 'strategic', { spec: { containers: [{ $patch: 'delete', name: 'side' }] } }),
    on('pod web', 'strategic', { metadata: { labels: { $patch: 'replace', only: 'this' } } }, ' -o jsonpath={.metadata.labels}'),
    on('pod web', 'strategic', { metadata: { $patch: 'nonsense' } }),
    on('pod web', 'strategic', { spec: { containers: [{ image: 'nameless' }] } }),
    on(
      'pod web',
      'strategic',
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['x.example/y'], finalizers: ['a.example/b'] } },
      ' -o jsonpath={.metadata.finalizers}',
    ),
    on(
      'pod web',
      'strategic',
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['a.example/b'] } },
      ' -o jsonpath={.metadata.finalizers}',
    ),
    on('pod web', 'json', [{ op: 'replace', path: '/spec/containers/0/image', value: 'third' }]),
    on('pod web', 'merge', { spec: { containers: [] } }),
    on('pod web', 'merge', { status: { phase: 'Running' } }, ' -o jsonpath={.status.phase}'),
    on('pod web', 'merge', { status: { phase: 'Running' } }, ' --subresource=status -o jsonpath={.status.phase}'),
    on('fn greet', 'strategic', { spec: { timeoutSeconds: 6 } }),
    on('fn greet', 'merge', { spec: { timeoutSeconds: null } }, ' -o jsonpath={.spec.timeoutSeconds}'),
    on('fn greet', 'merge', { spec: { timeoutSecond: 1 } }),
    on('fn greet', 'json', [{ op: 'test', path: '/spec/timeoutSeconds', value: 1 }]),
    on('fn greet', 'json', [{ op: 'add', path: '/spec/env', value: [{ name: 'A', value: '1' }] }], ' -o jsonpath={.spec.env}'),
  ];
});

export const labels = inNamespace((namespace) => {
  const here = within(namespace);
  return [
    files({ 'a.yaml': configMap('a', { k: '1' }) }),
    here('create -f -', documents(configMap('a', {}), configMap('b', {}), pod('web'), fn('greet'))),
    here('label cm a b x=1 y=2'),
    here('label cm a x=1'),
    here('label cm a x=2'),
    here('label cm a x=2 --overwrite'),
    here('label cm a x=3 --overwrite --dry-run=server'),
    here('label cm a x=3 --overwrite --dry-run=client'),
    here('label pod web one=1'),
    here('label pod web --list'),
    here('label cm a x- nothing-'),
    here('label cm a bad=va!ue'),
    here("label cm a 'bad key=v'"),
    here('label cm a x=4 --resource-version=1'),
    here('label cm -l y=2 z=1'),
    here('label cm --field-selector metadata.name=b only=b'),
    here('label -f a.yaml f=1'),
    here('label cm absent x=1'),
    here('label cm a'),
    here('label pod/web fn/greet both=yes'),
    here('label cm,fn --all everything=yes -o name'),
    here('get cm,fn,pod -l everything=yes --show-labels --field-selector metadata.name!=kube-root-ca.crt'),
    here('annotate cm a note=one'),
    here('annotate cm a note=two'),
    here('annotate cm a note=two --overwrite'),
    here('annotate cm a --list'),
    here('annotate cm a note- other-'),
    here("annotate fn greet 'text=with spaces and = signs'"),
    here("get fn greet -o jsonpath='{.metadata.annotations}'"),
    here('annotate cm -l y=2 all=yes'),
    here('annotate cm a'),
    here('set image pod/web main=new:1'),
    here('set image pod/web absent=new:1'),
    here('set image pod/web *=newer:1 --dry-run=server'),
    here('set image fn/greet main=x'),
    here('set env pod/web --list'),
    here('set env pod/web A=2'),
    here('set serviceaccount pod/web x'),
    here('set subject'),
    here('scale fn greet --replicas=2'),
    here('rollout status fn/greet'),
    here('expose pod absent --port=80'),
  ];
});
