/** Random requests about a few objects, as data: what failed once is kept as it is. */
import * as fc from 'fast-check';

export const kinds = ['configmaps', 'secrets', 'pods', 'leases', 'functions', 'routes'] as const;
export type Kind = (typeof kinds)[number];

export type PatchType = 'merge' | 'json' | 'strategic' | 'apply';

/** `UID:secrets/a` and `RV:secrets/a` in texts stand for what that object last showed. */
export type Operation =
  | { readonly do: 'create'; readonly kind: Kind; readonly body: object; readonly query?: string }
  | { readonly do: 'update'; readonly kind: Kind; readonly name: string; readonly body: object; readonly query?: string }
  | {
      readonly do: 'patch';
      readonly kind: Kind;
      readonly name: string;
      readonly type: PatchType;
      readonly body: unknown;
      readonly query?: string;
      readonly status?: boolean;
    }
  | { readonly do: 'delete'; readonly kind: Kind; readonly name: string; readonly options: object }
  | { readonly do: 'clear'; readonly kind: Kind; readonly query: string }
  | { readonly do: 'list'; readonly kind: Kind; readonly query: string }
  | { readonly do: 'get'; readonly kind: Kind; readonly name: string }
  /** A version to watch from. */
  | { readonly do: 'mark' };

export interface Watch {
  readonly kind: Kind;
  /** From which of the marks; the first is before all. */
  readonly from: number;
  readonly selector: string;
}

export interface Sequence {
  readonly operations: readonly Operation[];
  readonly watches: readonly Watch[];
}

export const identity: Readonly<Record<Kind, { readonly apiVersion: string; readonly kind: string }>> = {
  configmaps: { apiVersion: 'v1', kind: 'ConfigMap' },
  secrets: { apiVersion: 'v1', kind: 'Secret' },
  pods: { apiVersion: 'v1', kind: 'Pod' },
  leases: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' },
  functions: { apiVersion: 'tsumugi.dev/v1', kind: 'Function' },
  routes: { apiVersion: 'tsumugi.dev/v1', kind: 'Route' },
};

const isOurs = (kind: Kind): boolean => kind === 'functions' || kind === 'routes';
const pick = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
/** Some of the fields. */
const some = (fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<Record<string, unknown>> =>
  fc.record(fields, { requiredKeys: [] });

const name = pick('a', 'b', 'c');
const finalizers = fc.subarray(['x.io/f', 'x.io/g', 'x.io/h']);
const texts = some({ a: pick('1', '2', ''), b: pick('1', '2'), c: pick('1') });
const base64 = some({ a: pick('MQ==', 'Mg=='), b: pick('MQ=='), c: pick('', 'not base64') });

/** What only our own controllers are known to follow on both servers. */
const owners = fc.array(
  fc.record({
    target: fc.tuple(pick<Kind>('configmaps', 'secrets', 'leases'), name),
    blockOwnerDeletion: fc.boolean(),
  }),
  { maxLength: 2 },
);

const ownerReferences = owners.map((all) => {
  const once = [...new Map(all.map((each) => [each.target.join('/'), each])).values()];
  return once.map(({ target: [kind, owner], blockOwnerDeletion }) => ({
    ...identity[kind],
    name: owner,
    uid: `UID:${kind}/${owner}`,
    ...(blockOwnerDeletion && { blockOwnerDeletion }),
  }));
});

const labels = some({ l: pick('x', 'y', 'bad value'), m: pick('1', '2') });
const annotations = some({ n: pick('1', '2'), 'x.io/o': pick('') });
const metadata = (owned: boolean): fc.Arbitrary<Record<string, unknown>> =>
  some({ labels, annotations, finalizers, ...(owned && { ownerReferences }) });

const env = fc.uniqueArray(fc.record({ name: pick('A', 'B', 'C'), value: pick('1', '2') }), {
  maxLength: 2,
  selector: (each) => each.name,
});

/** What the kinds hold; `whole`: enough to be created. */
const contents: Readonly<Record<Kind, (whole: boolean) => fc.Arbitrary<Record<string, unknown>>>> = {
  configmaps: () =>
    some({ data: texts, binaryData: some({ x: pick('aGk=', 'bm8='), a: pick('aGk=') }), immutable: pick(true, false, null) }),
  secrets: () => some({ data: base64, stringData: texts, type: pick('Opaque', 'x.io/t'), immutable: pick(true, false) }),
  pods: (whole) => {
    const container = fc.record({ name: pick('c'), image: pick('i:1', 'i:2'), env }, { requiredKeys: ['name', 'image'] });
    const spec = {
      containers: fc.tuple(container),
      activeDeadlineSeconds: pick(50, 60, 0),
      nodeName: pick('nowhere'),
      hostname: pick('h'),
    };
    if (!whole) return some({ spec: some({ containers: spec.containers, activeDeadlineSeconds: spec.activeDeadlineSeconds }) });
    return fc.record({
      spec: fc.record(
        { automountServiceAccountToken: pick(false), ...spec },
        { requiredKeys: ['automountServiceAccountToken', 'containers'] },
      ),
    });
  },
  leases: () =>
    some({
      spec: some({
        holderIdentity: pick('me', 'you', ''),
        leaseDurationSeconds: pick(5, 15, 0, -1),
        leaseTransitions: pick(0, 1),
        renewTime: pick('2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:01.500000Z'),
      }),
    }),
  functions: (whole) => {
    const fields = {
      source: fc.record({ inline: pick('x', 'y') }),
      timeoutSeconds: pick(5, 60, 0, 100_000),
      env,
      handler: pick('default', 'other'),
      scale: some({ min: pick(0, 1), max: pick(1, 5) }),
      labels: pick('no such field'),
    };
    return fc.record({ spec: whole ? fc.record(fields, { requiredKeys: ['source'] }) : some(fields) });
  },
  routes: (whole) => {
    const match = { path: pick('/a', '/b/{x}', 'bad'), prefix: pick('/p'), methods: fc.subarray(['GET', 'POST', 'PUT']) };
    const fields = { match: fc.record(match, { requiredKeys: ['path'] }), backend: fc.record({ function: pick('f', 'g', 'Not A Name') }) };
    return fc.record({ spec: whole ? fc.record(fields) : some({ match: some(match), backend: fields.backend }) });
  },
};

const body = (kind: Kind, whole: boolean, owned: boolean, more: Record<string, fc.Arbitrary<unknown>> = {}): fc.Arbitrary<object> =>
  fc.tuple(metadata(owned), contents[kind](whole), some(more)).map(([meta, content, rest]) => ({
    metadata: { ...meta, ...rest },
    ...content,
  }));

/** Nulls at some of the places of a patch: they remove. */
const withNulls = (patches: fc.Arbitrary<object>): fc.Arbitrary<object> =>
  fc.tuple(patches, fc.array(fc.nat(11), { maxLength: 2 })).map(([patch, places]) => {
    let at = 0;
    const visit = (value: unknown): unknown => {
      if (places.includes(at++)) return null;
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, visit(item)]));
    };
    return Object.fromEntries(Object.entries(patch).map(([key, item]) => [key, visit(item)]));
  });

const directives = some({
  labels: pick<object>({ $patch: 'replace', l: 'x' }, { $patch: 'delete' }, { $retainKeys: ['l'], l: 'y' }, { $patch: 'nonsense' }),
  '$deleteFromPrimitiveList/finalizers': finalizers,
  '$setElementOrder/finalizers': finalizers,
  finalizers,
});

const paths: Readonly<Record<Kind, readonly string[]>> = {
  configmaps: ['/data', '/data/a', '/data/b', '/binaryData/x', '/immutable'],
  secrets: ['/data', '/data/a', '/stringData', '/type'],
  pods: ['/spec/containers/0/image', '/spec/activeDeadlineSeconds', '/spec/containers/-', '/spec/nodeName'],
  leases: ['/spec', '/spec/holderIdentity', '/spec/leaseDurationSeconds'],
  functions: ['/spec/timeoutSeconds', '/spec/env', '/spec/env/0', '/spec/env/-', '/spec/source/inline'],
  routes: ['/spec/match/path', '/spec/match/methods/0', '/spec/match/methods/-', '/spec/backend/function'],
};
const anyPath = (kind: Kind): fc.Arbitrary<string> =>
  pick('/metadata/labels/l', '/metadata/labels', '/metadata/finalizers/0', '/metadata/finalizers/-', '/metadata/none', ...paths[kind]);
const anyValue = pick<unknown>('x', 'x.io/f', '1', 5, true, { a: '1' }, ['x.io/f'], { name: 'A', value: '9' }, 'GET');

const jsonPatch = (kind: Kind): fc.Arbitrary<object[]> =>
  fc.array(
    fc.oneof(
      fc.record({ op: pick('add', 'replace', 'test'), path: anyPath(kind), value: anyValue }),
      fc.record({ op: pick('remove'), path: anyPath(kind) }),
      fc.record({ op: pick('move', 'copy'), from: anyPath(kind), path: anyPath(kind) }),
    ),
    { minLength: 1, maxLength: 3 },
  );

const writeQuery = pick('', '', '', 'dryRun=All', 'fieldManager=m1', 'fieldManager=m2', 'fieldValidation=Strict', 'fieldValidation=Ignore');
const listQuery = pick(
  '',
  'limit=1',
  'limit=2',
  'labelSelector=l%3Dx',
  'labelSelector=l%3Dx&limit=1',
  'labelSelector=!l',
  'fieldSelector=metadata.name%3Da',
);

function operation(kind: Kind, owned: boolean): fc.Arbitrary<Operation> {
  const patches = body(kind, false, owned);
  const type: fc.Arbitrary<PatchType> = isOurs(kind)
    ? pick<PatchType>('merge', 'json', 'apply')
    : pick<PatchType>('merge', 'json', 'strategic', 'apply');
  const patch = fc.tuple(name, type, writeQuery).chain(([target, chosen, query]) => {
    const bodies: Readonly<Record<PatchType, fc.Arbitrary<unknown>>> = {
      merge: withNulls(patches),
      json: jsonPatch(kind),
      strategic: fc.oneof(
        withNulls(patches),
        directives.map((each) => ({ metadata: each })),
      ),
      apply: body(kind, true, false),
    };
    const manager = pick('fieldManager=m1', 'fieldManager=m2', 'fieldManager=m1&force=true', 'fieldManager=m2&force=true');
    return fc.tuple(bodies[chosen], manager).map(([sent, by]): Operation => ({
      do: 'patch',
      kind,
      name: target,
      type: chosen,
      body: sent,
      query: chosen === 'apply' ? by : query,
    }));
  });
  const status = pick<object>({ observedGeneration: 1 }, { phase: 'Running' }, { conditions: [] }, { podIP: '10.0.0.1' }, { nonsense: 1 });
  return fc.oneof(
    {
      weight: 5,
      arbitrary: fc
        .tuple(name, body(kind, true, owned), writeQuery)
        .map(([target, sent, query]): Operation => ({ do: 'create', kind, body: named(sent, target), query })),
    },
    { weight: 6, arbitrary: patch },
    {
      weight: 3,
      arbitrary: fc
        .tuple(name, body(kind, true, owned), pick('', 'RV', 'RV', '1'), pick('', '', 'UID', 'other'), writeQuery)
        .map(([target, sent, version, uid, query]): Operation => {
          const more = {
            ...(version && { resourceVersion: version === 'RV' ? `RV:${kind}/${target}` : version }),
            ...(uid && { uid: uid === 'UID' ? `UID:${kind}/${target}` : uid }),
          };
          return { do: 'update', kind, name: target, body: named(sent, target, more), query };
        }),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(
          name,
          some({
            ...(owned && { propagationPolicy: pick('Foreground', 'Background', 'Orphan') }),
            gracePeriodSeconds: pick(0, 0, 5),
            dryRun: pick(['All']),
            preconditions: pick<object>({}, { uid: `UID:${kind}/a` }, { resourceVersion: '1' }),
          }),
        )
        .map(([target, options]): Operation => ({ do: 'delete', kind, name: target, options })),
    },
    {
      weight: 1,
      arbitrary: name.map((target): Operation => ({
        do: 'patch',
        kind,
        name: target,
        type: 'merge',
        body: { metadata: { finalizers: null } },
      })),
    },
    { weight: 1, arbitrary: listQuery.map((query): Operation => ({ do: 'list', kind, query })) },
    { weight: 1, arbitrary: name.map((target): Operation => ({ do: 'get', kind, name: target })) },
    {
      weight: 1,
      arbitrary: pick(kind === 'configmaps' ? 'labelSelector=l%3Dx' : '', 'labelSelector=l%3Dx').map((query): Operation => ({
        do: 'clear',
        kind,
        query,
      })),
    },
    { weight: 1, arbitrary: fc.constant<Operation>({ do: 'mark' }) },
    ...(kind === 'pods' || kind === 'functions'
      ? [
          {
            weight: 1,
            arbitrary: fc.tuple(name, status).map(([target, sent]): Operation => ({
              do: 'patch',
              kind,
              name: target,
              type: 'merge',
              status: true,
              body: { status: sent, metadata: { labels: { m: '2' } } },
            })),
          },
        ]
      : []),
  );
}

const named = (sent: object, target: string, more: object = {}): object => ({
  ...sent,
  metadata: { ...(sent as { metadata?: object }).metadata, ...more, name: target },
});

/** One or two kinds at a time, so that requests meet. */
export const sequences: fc.Arbitrary<Sequence> = fc
  .tuple(fc.subarray([...kinds], { minLength: 1, maxLength: 2 }), fc.boolean())
  .chain(([used, owned]) => {
    const isOwned = owned && used.every((kind) => kind === 'configmaps' || kind === 'secrets' || kind === 'leases');
    return fc.record({
      operations: fc.array(fc.oneof(...used.map((kind) => operation(kind, isOwned))), { minLength: 2, maxLength: 14 }),
      watches: fc.array(fc.record({ kind: pick(...used), from: fc.nat(2), selector: pick('', '', 'l=x', 'l!=y', 'm in (1,2)') }), {
        maxLength: 2,
      }),
    });
  });
