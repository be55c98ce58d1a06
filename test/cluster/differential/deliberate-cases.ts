/** What differs on purpose: the rows of `docs/kubernetes-fidelity.md` that name a case. Each must show the difference it tells of, and no other. */
import type { Script } from './servers.ts';
import type { Loose, Session } from './session.ts';

export interface Deliberate {
  readonly script: Script;
  /** Every difference must fit this. */
  readonly only: RegExp;
}

const podOf = (spec: object, name = 'p'): object => ({
  metadata: { name },
  spec: { automountServiceAccountToken: false, containers: [{ name: 'c', image: 'i:1' }], ...spec },
});
const tried =
  (...specs: readonly object[]): Script =>
  async (s) => {
    for (const spec of specs) await s.create('pods?dryRun=All', podOf(spec));
  };
const messageOf = async (answer: ReturnType<Session['get']>): Promise<unknown> => (await answer).body['message'];

export const deliberate: Readonly<Record<string, Deliberate>> = {
  'admission of pods': {
    script: async (s) => {
      const { body } = await s.create('pods?dryRun=All', podOf({}), { quiet: true });
      s.note('fields of the spec', Object.keys(body['spec'] as object).sort());
    },
    only: /preemptionPolicy.*priority.*serviceAccountName.*tolerations.* there/,
  },
  'classes and accounts of pods': {
    script: tried({ priorityClassName: 'none' }, { runtimeClassName: 'none' }, { serviceAccountName: 'none' }),
    only: /: 403 .* there, 201/,
  },
  'scheduling gates': {
    script: tried({ schedulingGates: [{ name: 'x.io/a' }] }),
    only: /\.status\.conditions is .*SchedulingGated.* there, nothing here/,
  },
  'empty names of pull secrets': {
    script: tried({ imagePullSecrets: [{ name: '' }] }),
    only: /(invalid empty name|f:imagePullSecrets|imagePullSecrets\[0\]\.name is nothing there)/,
  },
  'names of sysctls': { script: tried({ securityContext: { sysctls: [{ name: 'A b', value: 'x' }] } }), only: /sysctls\[0\]\.name/ },
  'privileged without escalation': {
    script: tried({ containers: [{ name: 'c', image: 'i', securityContext: { privileged: true, allowPrivilegeEscalation: false } }] }),
    only: /: 422 .*cannot set `allowPrivilegeEscalation` to false and `privileged` to true there, 201|: 422 .*allowPrivilegeEscalation.* there, 201/,
  },
  'the order of values': {
    script: tried({ tolerations: [{ key: 'a', effect: 'Nonsense' }] }),
    only: /supported values: .*"NoSchedule.*", .*PreferNoSchedule.*NoExecute.* there/,
  },
  'the difference of two pods': {
    script: async (s) => {
      await s.create('pods', podOf({}), { quiet: true });
      const message = await messageOf(s.patch('merge', 'pods/p', { spec: { hostname: 'h' } }));
      s.note('shows how Go structs differ', String(message).includes('\n@@'));
    },
    only: /shows how Go structs differ: \.body\.value is true there, false here/,
  },
  'an object that cannot be read': {
    script: async (s) => {
      await s.create('configmaps', { metadata: { name: 'c' }, data: { a: '1' } }, { quiet: true });
      const message = await messageOf(s.patch('merge', 'configmaps/c', { data: { a: 1 } }));
      s.note('the object begins', /patch: Invalid value: "(.{30})/.exec(String(message))?.[1]);
    },
    only: /the object begins/,
  },
  'broken JSON': {
    script: async (s) => {
      await s.create('configmaps', { metadata: { name: 'c' } }, { quiet: true });
      await s.patch('strategic', 'configmaps/c', undefined, { text: '{"data":{"a":"1"},}' });
      await s.delete('configmaps/c', undefined, { text: '{' });
    },
    only: /\.body\.message is .* there/,
  },
  'a pod that is removed at once': {
    script: async (s) => {
      const from = (await s.get('pods', { quiet: true })).body.metadata?.resourceVersion as string;
      await s.create('pods', podOf({}), { quiet: true });
      await s.delete('pods/p', undefined, { quiet: true });
      await s.create('pods', podOf({}, 'last'), { quiet: true });
      const events = await s.watch(`pods?resourceVersion=${from}&timeoutSeconds=5`, { last: 'last' });
      s.note(
        'events',
        events.map((event: Loose) => event['type']),
      );
    },
    only: /events: \.body\.value is \["ADDED","MODIFIED","DELETED","ADDED"\] there, \["ADDED","DELETED","ADDED"\] here/,
  },
  'what Go prints of an Event': {
    script: async (s) => {
      const involvedObject = { kind: 'Pod', name: 'p', namespace: 'NAMESPACE' };
      await s.create('events?dryRun=All', { metadata: { name: 'e' }, involvedObject });
    },
    only: /\.body\.(firstTimestamp|lastTimestamp|eventTime|reportingComponent|reportingInstance) is (null|"") there, nothing here/,
  },
  columns: {
    script: async (s) => {
      const { body } = await s.get('secrets', { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
      s.note(
        'descriptions',
        (body['columnDefinitions'] as Loose[]).map((column) => column['description']),
      );
    },
    only: /descriptions: /,
  },
  'subresources of pods': {
    script: async (s) => {
      await s.create('pods', podOf({}), { quiet: true });
      await s.get('pods/p/ephemeralcontainers');
      await s.get('pods/p/resize');
      const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } };
      await s.create('pods/p/binding?dryRun=All', binding);
      await s.create('pods/p/eviction?dryRun=All', { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' } });
    },
    only: /: (200|201) "" there, 40[45] "the server (could not find|does not allow)/,
  },
  'an empty map of bytes': {
    script: async (s) => {
      await s.create('configmaps', { metadata: { name: 'c' }, immutable: true }, { quiet: true });
      await s.patch('merge', 'configmaps/c', { binaryData: {} });
      await s.create('secrets', { metadata: { name: 's' }, immutable: true }, { quiet: true });
      await s.patch('merge', 'secrets/s', { data: {} });
    },
    only: /: 422 ".* field is immutable when `immutable` is set" there, 200 "" here/,
  },
  'finalizers applied as an empty list': {
    script: async (s) => {
      const route = { apiVersion: 'tsumugi.dev/v1', kind: 'Route', metadata: { name: 'r', finalizers: [] } };
      await s.patch('apply', 'routes/r?fieldManager=m', { ...route, spec: { match: { path: '/a' }, backend: { function: 'f' } } });
      await s.patch('merge', 'routes/r', { metadata: { finalizers: null } });
    },
    only: /\.body\.metadata\.resourceVersion is "?version-2"? there, "?version-1"? here/,
  },
};
