/** wait in all forms; delete with all cascades, finalizers, selections. */
import { configMap, documents, fn, pod } from './objects.ts';
import { files, inNamespace, within } from './step.ts';

const ready = (status: string): string =>
  `--subresource=status --type=merge -p '{"status":{"conditions":[{"type":"Ready","status":"${status}","reason":"R","message":"","lastTransitionTime":"2030-01-01T00:00:00Z"}]}}'`;

export const wait = inNamespace((namespace) => {
  const here = within(namespace);
  return [
    here(
      'create -f -',
      documents(
        configMap('a', { k: '1' }, { labels: { w: 'x' } }),
        configMap('b', { k: '2' }, { labels: { w: 'x' } }),
        fn('greet'),
        pod('web'),
      ),
    ),
    here(`patch fn greet ${ready('True')}`),
    here('wait --for=condition=Ready fn/greet --timeout=5s'),
    here('wait --for=condition=Ready=False fn/greet --timeout=1s'),
    here('wait --for=condition=ready=true fn/greet --timeout=1s'),
    here(`patch fn greet ${ready('False')}`),
    here('wait --for=condition=Ready=False fn/greet --timeout=5s'),
    here('wait --for=condition=Absent fn/greet --timeout=1s'),
    here("wait --for=jsonpath='{.data.k}'=1 cm/a --timeout=5s"),
    here("wait --for=jsonpath='{.data.k}'=2 cm/a --timeout=1s"),
    here("wait --for=jsonpath='{.data.k}' cm/a --timeout=5s"),
    here("wait --for=jsonpath='{.data.none}' cm/a --timeout=1s"),
    here("wait --for=jsonpath='{.data' cm/a --timeout=1s"),
    here("wait --for=jsonpath='{.data.k}'=1 cm -l w=x --timeout=1s"),
    here("wait --for=jsonpath='{.status.phase}'=Pending pod --all --timeout=5s"),
    here('wait --for=create cm/a --timeout=5s'),
    here('wait --for=create cm/absent --timeout=1s'),
    here('wait --for=delete cm/absent --timeout=5s'),
    here('wait --for=delete cm/a --timeout=1s'),
    here('wait --for=condition=Ready cm/absent --timeout=1s'),
    here('wait --for=condition=Ready cm -l none=such --timeout=1s'),
    here('wait --for=delete cm -l none=such --timeout=1s'),
    here('wait --for=nonsense cm/a --timeout=1s'),
    here('wait cm/a'),
    here('wait --for=condition=Ready fn/greet --timeout=0'),
    here('wait --for=condition=Ready fn/greet --timeout=bad'),
  ];
});

export const remove = inNamespace((namespace) => {
  const here = within(namespace);
  const owned = (name: string): string => `get cm ${name} -o name --ignore-not-found`;
  return [
    files({ 'd/a.yaml': configMap('a', {}), 'd/b.yaml': configMap('b', {}) }),
    here('create -f d'),
    here('delete -f d --dry-run=server'),
    here('delete -f d --dry-run=client'),
    here('delete -f d -o name'),
    here('delete -f d'),
    here('delete -f d --ignore-not-found'),
    here(
      'create -f -',
      documents(
        configMap('a', {}, { labels: { x: '1' } }),
        configMap('b', {}, { labels: { x: '1' } }),
        configMap('c', {}, { labels: { x: '2' } }),
      ),
    ),
    here('delete cm a absent c'),
    here('delete cm -l x=1'),
    here('delete cm -l x=1'),
    here('delete cm'),
    here('delete cm a --all'),
    here('delete cm -l x=1 --all'),
    here('create -f -', documents(configMap('a', {}), fn('greet'), fn('other'), pod('web'))),
    here('delete cm/a fn/greet'),
    here('delete fn --all'),
    here('delete pod web --now'),
    here('get pod web -o jsonpath={.metadata.deletionGracePeriodSeconds} --ignore-not-found'),
    here('delete pod web --force'),
    here('get pods'),
    here('create -f -', pod('web')),
    here('delete pod --field-selector spec.schedulerName=nobody --grace-period=0 --force'),
    here('create -f -', configMap('held', {}, { metadata: { finalizers: ['test.example/hold'] } })),
    here('delete cm held --wait=false'),
    here('delete cm held --timeout=1s'),
    here('get cm held -o jsonpath={.metadata.finalizers}'),
    here('patch cm held --type=merge -p \'{"metadata":{"finalizers":["test.example/hold","test.example/more"]}}\''),
    here('patch cm held --type=merge -p \'{"data":{"still":"1"}}\''),
    here('patch cm held --type=merge -p \'{"metadata":{"finalizers":null}}\''),
    here('get cm held'),
    here('create -f -', configMap('foreground', {}, { metadata: { finalizers: ['test.example/hold'] } })),
    here('delete cm foreground --cascade=foreground --wait=false'),
    here('get cm foreground -o jsonpath={.metadata.finalizers}'),
    here('patch cm foreground --type=json -p \'[{"op":"remove","path":"/metadata/finalizers"}]\''),
    here(owned('foreground')),
    here('create -f -', configMap('x', {})),
    here('delete cm x --cascade=nonsense'),
    here('delete cm x --grace-period=-5'),
    here('delete cm x --cascade=background'),
    here('create -f -', configMap('x', {})),
    here('delete cm x --cascade=true'),
    here(`delete --raw /api/v1/namespaces/${namespace}/configmaps/absent`),
    here('delete nonsense x'),
    here('delete cm/'),
    here('delete secret --all'),
  ];
});
