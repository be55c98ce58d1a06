/** What everybody does first: create, apply, get, label, patch, wait, replace, describe, delete. */
import { type Step, step, within } from './step.ts';

const webPod = (image: string): string => `
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  schedulerName: nobody
  automountServiceAccountToken: false
  containers: [{name: main, image: "${image}", env: [{name: A, value: "1"}], ports: [{containerPort: 80}]}]
`;

const map = (name: string, data: string, more = ''): string => `
apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}, labels: {app: ${name}}}
data: ${data}
${more}`;

const fn = (name: string, more = ''): string => `
apiVersion: tsumugi.dev/v1
kind: Function
metadata: {name: ${name}, labels: {app: ${name}}}
spec:
  source: {inline: "export default () => 1"}
  env: [{name: A, value: "1"}]
${more}`;

/** In order; all in one new namespace, which the script makes and removes. */
export function basics(namespace: string): readonly Step[] {
  const here = within(namespace);
  return [
    step(`create namespace ${namespace}`),
    step(`create namespace ${namespace}`),
    step(`get namespace ${namespace}`),
    here('create configmap settings --from-literal=a=1 --from-literal=b=two'),
    here('create configmap settings --from-literal=a=1'),
    here('create secret generic password --from-literal=p=s3cret'),
    here('create -f -', webPod('host')),
    here('create -f - --dry-run=server -o name', map('dry', '{a: "1"}')),
    here('get cm dry'),
    here('apply -f -', map('applied', '{a: "1", b: "1"}')),
    here('apply -f -', map('applied', '{a: "1", b: "1"}')),
    here('apply -f -', map('applied', '{a: "2"}')),
    here("get cm applied -o jsonpath='{.data}'"),
    here('apply -f -', webPod('other:1')),
    here("get pod web -o jsonpath='{.spec.containers[0].image}'"),
    here('apply -f -', map('typo', '{a: "1"}', 'dta: {b: "1"}')),
    here('create -f -', webPod('host').replace('image:', 'imge:').replace('name: web', 'name: typo')),
    here('create -f -', map('Bad_Name', '{}')),
    here('apply --server-side -f -', map('sided', '{a: "1", b: "1"}')),
    here('apply --server-side -f -', map('sided', '{a: "1", b: "1"}')),
    here('apply --server-side --field-manager=other -f -', map('sided', '{a: "2"}')),
    here('apply --server-side --field-manager=other --force-conflicts -f -', map('sided', '{a: "2"}')),
    here('apply --server-side -f -', map('sided', '{a: "1", b: "2", c: "3"}')),
    here('apply --server-side -f -', map('sided', '{b: "2"}')),
    here('diff --server-side -f -', map('sided', '{b: "3"}')),
    here('diff --server-side -f -', map('sided', '{b: "2"}')),
    here('apply --server-side --dry-run=server -f - -o yaml', map('sided', '{b: "4"}')),
    here('apply --server-side -f -', map('sided', '{a: 1}')),
    here('apply --server-side -f -', map('sided', '{a: "1"}', 'dta: {b: "1"}')),
    here('apply --server-side -f -', webPod('other:1').replace('name: web', 'name: sided')),
    // Each manager by name: their order is that of the seconds, which a slow run parts elsewhere.
    here('get cm sided -o jsonpath={.metadata.managedFields[?(@.manager=="kubectl")]}'),
    here('get cm sided -o jsonpath={.metadata.managedFields[?(@.manager=="other")]}'),
    here("get pod sided --show-managed-fields -o jsonpath='{.metadata.managedFields}'"),
    here('get cm sided -o yaml'),
    here('delete pod/sided cm/sided --grace-period=0 --force'),
    here('apply -f -', map('moved', '{a: "1", b: "1"}')),
    here('apply --server-side -f -', map('moved', '{a: "2"}')),
    here('get cm moved --show-managed-fields -o yaml'),
    here('apply -f -', map('moved', '{a: "3"}')),
    here('get cm moved --show-managed-fields -o yaml'),
    here('delete cm moved'),
    here('get configmaps'),
    here('get configmaps --no-headers'),
    here('get cm -o wide'),
    here('get cm,secret -o name'),
    here('get cm applied -o yaml'),
    here('get cm applied -o json'),
    here('get cm -o custom-columns=NAME:.metadata.name,A:.data.a'),
    here('get cm -l app=applied'),
    here('get cm -l app!=applied,app -o name'),
    here('get cm --field-selector metadata.name=settings'),
    here('get cm --field-selector spec.foo=1'),
    here('get cm --show-labels -l app'),
    here("get cm -l app -o jsonpath='{.items[*].metadata.name}' --sort-by=.metadata.name"),
    here('get cm --sort-by=.metadata.name --chunk-size=1'),
    here('get secrets'),
    here('get secret password -o yaml'),
    here('get pods'),
    here('get pods -o wide'),
    here('get pod web absent'),
    here('get cm absent'),
    here('get cm absent --ignore-not-found'),
    here('get nonsense'),
    here('label cm applied tier=front'),
    here('label cm applied tier=back'),
    here('label cm applied tier=back --overwrite'),
    here('label cm applied tier-'),
    here("annotate cm applied note='hello world'"),
    here('annotate cm applied note-'),
    here('patch cm applied --type=merge -p \'{"data":{"m":"1"}}\''),
    here('patch cm applied --type=merge -p \'{"data":{"m":"1"}}\''),
    here('patch cm applied --type=json -p \'[{"op":"replace","path":"/data/m","value":"2"}]\''),
    here('patch cm applied --type=json -p \'[{"op":"test","path":"/data/m","value":"3"}]\''),
    here('patch cm applied -p \'{"metadata":{"name":"other"}}\''),
    here('patch pod web -p \'{"spec":{"terminationGracePeriodSeconds":9}}\' -o name'),
    here(
      'patch pod web --subresource=status --type=merge -p \'{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}\'',
    ),
    here('wait --for=condition=Ready pod/web --timeout=10s'),
    here("wait --for=jsonpath='{.data.m}'=2 cm/applied --timeout=10s"),
    here('wait --for=condition=Never pod/web --timeout=1s'),
    here('replace -f -', map('applied', '{r: "1"}')),
    here('replace -f -', map('absent', '{r: "1"}')),
    here('describe cm applied'),
    here('describe pod web'),
    here('get cm/applied secret/password'),
    here('set image pod/web main=third:1'),
    here('run once --image=host --restart=Never --dry-run=server -o name'),
    here('label cm --all batch=yes'),
    here('label cm -l app=applied one-'),
    here('get pods --field-selector status.phase=Running -o name'),
    here('get events'),
    here('events'),
    here(
      'create -f -',
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'List',
        items: [1, 2].map((n) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `listed-${n}`, labels: { listed: 'yes' } } })),
      }),
    ),
    here('delete cm -l listed=yes'),
    here('get pod web --watch --output-watch-events --request-timeout=1s'),
    here('diff -f -', map('applied', '{r: "1"}')),
    here('describe secret password'),
    here('create -f -', fn('greet')),
    here('create -f -', fn('greet')),
    here('apply -f -', fn('greet', '  timeoutSeconds: 5')),
    here('apply -f -', fn('greet', '  timeoutSeconds: 5')),
    here('apply -f -', fn('greet', '  timeoutSeconds: 6')),
    here('create -f -', fn('typo', '  timeoutSecond: 6')),
    here('apply -f -', fn('greet', '  timeoutSeconds: -1')),
    here('apply -f -', fn('greet', '  timeoutSeconds: long')),
    here('apply -f -', fn('greet', '  scale: {min: 5, max: 2}')),
    here('create -f -', fn('greet').replace('inline:', 'git:')),
    here('get fn'),
    here('get functions -o wide'),
    here('get function.tsumugi.dev/greet -o yaml'),
    here("get functions.v1.tsumugi.dev -o jsonpath='{.items[*].spec.timeoutSeconds}'"),
    here('get fn greet -o custom-columns=NAME:.metadata.name,RUNTIME:.spec.runtime'),
    here('get fn absent'),
    here('patch fn greet --type=merge -p \'{"spec":{"scale":{"max":3}}}\''),
    here('patch fn greet --type=json -p \'[{"op":"remove","path":"/spec/env"}]\''),
    here('patch fn greet -p \'{"spec":{}}\''),
    here(
      'patch fn greet --subresource=status --type=merge -p \'{"status":{"url":"http://x","conditions":[{"type":"Ready","status":"True","reason":"Ready","message":"","lastTransitionTime":"2030-01-01T00:00:00Z"}]}}\'',
    ),
    here('wait --for=condition=Ready fn/greet --timeout=10s'),
    here('get fn'),
    here('describe fn greet'),
    here('apply --server-side -f -', fn('greet', '  timeoutSeconds: 9')),
    here('apply --server-side --force-conflicts -f -', fn('greet', '  timeoutSeconds: 9')),
    here('get fn greet --show-managed-fields -o yaml'),
    here('apply --server-side -f -', fn('sided', '  scale: {max: 2}')),
    here('apply --server-side -f -', fn('sided')),
    here('get fn sided --show-managed-fields -o yaml'),
    here('delete fn sided'),
    here('label fn greet tier=front'),
    here('delete fn greet'),
    here('get fn'),
    here('get rt,route,revision -l of=nobody -o name'),
    here('delete cm settings'),
    here('delete cm settings'),
    here('delete cm settings --ignore-not-found'),
    here('wait --for=delete cm/settings --timeout=10s'),
    here('delete -f -', map('applied', '{}')),
    here('delete pod web --grace-period=0 --force'),
    here('delete secret --all'),
    here('get pods'),
    step(`delete namespace ${namespace}`),
    step(`get namespace ${namespace}`),
    step('get --raw /readyz'),
  ];
}
