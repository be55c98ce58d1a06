/** The kind batch/v1 Job: a real API server and ours take, fill in, refuse and warn of the same. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPair, type Pair, steady } from '../pair.ts';
import type { RawAnswer } from '../raw.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];

const template = (spec: object = {}, metadata?: object): object => ({
  ...(metadata && { metadata }),
  spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'i' }], ...spec },
});
/** Nobody looks after it on the real server either: its status is ours to write. */
const managedBy = 'example.com/nobody';
const job = (spec: object = {}, metadata: object = {}): object => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'j', ...metadata },
  spec: { managedBy, template: template(), ...spec },
});
const indexed = (spec: object = {}): object => job({ completionMode: 'Indexed', completions: 5, parallelism: 2, ...spec });
const failing = (...rules: object[]): object => job({ podFailurePolicy: { rules } });
const exits = (more: object): object => ({ action: 'Ignore', onExitCodes: { operator: 'In', values: [1], ...more } });
const succeeding = (...rules: object[]): object => indexed({ successPolicy: { rules } });

const created: Readonly<Record<string, object>> = {
  'the least of a Job': job(),
  'a Job of a fixed number': job({ completions: 3, parallelism: 2, backoffLimit: 0, ttlSecondsAfterFinished: 0, suspend: true }),
  'a work queue': job({ parallelism: 4 }),
  'labels of the pods': job({ template: template({}, { labels: { app: 'x' }, annotations: { 'a/b': 'c' } }) }),
  'labels of its own': job({ template: template({}, { labels: { app: 'x' } }) }, { labels: { own: 'y' } }),
  'an indexed Job': indexed({ backoffLimitPerIndex: 1, maxFailedIndexes: 2 }),
  'a policy of failure': failing(exits({ containerName: 'a' }), { action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget' }] }),
  'a policy of success': succeeding({ succeededIndexes: '0,2-4', succeededCount: 2 }, { succeededCount: 1 }),
  'a selector by hand': job({
    manualSelector: true,
    selector: { matchLabels: { app: 'x' }, matchExpressions: [{ key: 'tier', operator: 'In', values: ['b', 'a'] }] },
    template: template({}, { labels: { app: 'x', tier: 'a' } }),
  }),
  'a generated name': job({}, { name: undefined, generateName: 'gen-' }),
  'a deadline of its pods': job({
    activeDeadlineSeconds: 10,
    template: template({ activeDeadlineSeconds: 5, restartPolicy: 'OnFailure' }),
  }),
  'what no structure has': job({ tepmlate: {}, template: template({ nope: 1 }) }),
  'a status that is sent along': { ...job(), status: { active: 5 } },
};

const refused: Readonly<Record<string, object>> = {
  'no template': { ...job(), spec: {} },
  'no spec': { ...job(), spec: undefined },
  'always restarting': job({ template: template({ restartPolicy: 'Always' }) }),
  'no restart policy': job({ template: template({ restartPolicy: undefined }) }),
  'an unknown restart policy': job({ template: template({ restartPolicy: 'Sometimes' }) }),
  'negative numbers': job({
    parallelism: -1,
    completions: -2,
    activeDeadlineSeconds: -3,
    backoffLimit: -4,
    ttlSecondsAfterFinished: -5,
    backoffLimitPerIndex: -6,
    maxFailedIndexes: -7,
  }),
  'no containers': job({ template: template({ containers: [] }) }),
  'wrong pods': job({
    template: template({
      containers: [{ name: 'A', image: '', ports: [{ containerPort: 0 }] }],
      nodeSelector: { 'a b': 'c' },
      hostname: 'A.b',
    }),
  }),
  'ephemeral containers': job({ template: template({ ephemeralContainers: [{ name: 'e', image: 'i' }] }) }),
  'wrong labels of pods': job({ template: template({}, { labels: { 'a b': 'c', d: 'e f' }, annotations: { 'g h': 'i' } }) }),
  'a name too long for an index': job({ completionMode: 'Indexed', completions: 1000 }, { name: 'x'.repeat(60) }),
  'a mode that is none': job({ completionMode: 'Both', podReplacementPolicy: 'Never' }),
  'indexes without completions': job({ completionMode: 'Indexed', parallelism: 2 }),
  'too many indexes at once': indexed({ completions: 200_000, parallelism: 100_001, backoffLimitPerIndex: 1 }),
  'too many failed indexes': indexed({ completions: 200_000, parallelism: 10_001, backoffLimitPerIndex: 1, maxFailedIndexes: 100_001 }),
  'more failed indexes than there are': indexed({ maxFailedIndexes: 6 }),
  'indexed fields without indexes': job({
    backoffLimitPerIndex: 1,
    maxFailedIndexes: 1,
    successPolicy: { rules: [{ succeededCount: 1 }] },
  }),
  'another manager': job({ managedBy: 'nobody' }),
  'no manager at all': job({ managedBy: '' }),
  'a manager of odd letters': job({ managedBy: 'Example.com/a b' }),
  'a manager too long': job({ managedBy: `example.com/${'x'.repeat(60)}` }),
  'another selector': job({ selector: { matchLabels: { a: 'b' } } }),
  'a selector by hand that is missing': job({ manualSelector: true }),
  'a selector by hand that does not fit': job({ manualSelector: true, selector: { matchLabels: { a: 'b' } } }),
  'a wrong selector': job({
    manualSelector: true,
    selector: {
      matchLabels: { 'a b': 'c d' },
      matchExpressions: [
        { key: 'a', operator: 'In' },
        { key: 'b', operator: 'Exists', values: ['x'] },
        { key: 'c', operator: 'Is', values: ['y'] },
      ],
    },
  }),
  "another Job's labels": job({ template: template({}, { labels: { 'controller-uid': 'x', 'batch.kubernetes.io/job-name': 'y' } }) }),
  'rules that say nothing': failing({ action: 'Ignore' }, {}, { action: 'Explode', onPodConditions: [{ type: 'X', status: 'Maybe' }] }),
  'rules that say both': failing({ ...exits({}), onPodConditions: [{ type: 'a b' }] }),
  'a rule for indexes': failing({ action: 'FailIndex', onExitCodes: { operator: 'In', values: [1] } }),
  'wrong exit codes': failing(
    exits({ values: [0, 3, 2, 2] }),
    exits({ values: [], containerName: 'z' }),
    exits({ operator: 'Near' }),
    exits({ operator: undefined, values: undefined }),
  ),
  'too many rules': failing(...Array.from({ length: 21 }, () => exits({}))),
  'too many exit codes': failing(exits({ values: Array.from({ length: 256 }, (_, index) => index + 1) })),
  'a policy of failure with restarts': job({
    podFailurePolicy: { rules: [exits({})] },
    podReplacementPolicy: 'TerminatingOrFailed',
    template: template({ restartPolicy: 'OnFailure' }),
  }),
  'no rule of success': succeeding(),
  'wrong rules of success': succeeding(
    {},
    { succeededIndexes: '1-2-3' },
    { succeededIndexes: '3,2' },
    { succeededIndexes: '7' },
    { succeededIndexes: 'x' },
    { succeededIndexes: '2-2' },
    { succeededCount: 6 },
    { succeededCount: -1 },
    { succeededIndexes: '0-1', succeededCount: 3 },
  ),
  'a text as parallelism': job({ parallelism: 'x' }),
  'an empty name': job({}, { name: '' }),
};

type Edit = Readonly<Record<string, unknown>>;
const updates: Readonly<Record<string, readonly [object, Edit]>> = {
  'parallelism may change': [job(), { spec: { parallelism: 3 } }],
  'labels may change': [job(), { metadata: { labels: { a: 'b' } } }],
  'all labels may go': [job({}, { labels: { a: 'b' } }), { metadata: { labels: { a: null } } }],
  'completions may not': [job(), { spec: { completions: 3 } }],
  'completions and parallelism of indexes may together': [indexed({ parallelism: 5 }), { spec: { completions: 3, parallelism: 3 } }],
  'completions of indexes alone may not': [indexed(), { spec: { completions: 3 } }],
  'nor the mode': [job({ completions: 2 }), { spec: { completionMode: 'Indexed' } }],
  'nor the manager': [job(), { spec: { managedBy: 'example.com/other' } }],
  'nor the selector': [job(), { spec: { selector: { matchLabels: { a: 'b' } } } }],
  'nor policies': [indexed(), { spec: { backoffLimitPerIndex: 1, successPolicy: { rules: [{ succeededCount: 1 }] } } }],
  'nor the template': [job(), { spec: { template: { spec: { nodeSelector: { a: 'b' } } } } }],
  'where its pods go may while it never ran': [job({ suspend: true }), { spec: { template: { spec: { nodeSelector: { a: 'b' } } } } }],
  'what they use, too': [
    job({ suspend: true }),
    { spec: { template: { spec: { containers: [{ name: 'a', image: 'i', resources: { limits: { cpu: '1' } } }] } } } },
  ],
  'their image may not': [job({ suspend: true }), { spec: { template: { spec: { containers: [{ name: 'a', image: 'other' }] } } } }],
};

const condition = (type: string, status = 'True'): object => ({ type, status, lastTransitionTime: '2026-01-01T00:00:00Z' });
const start = '2026-01-01T00:00:00Z';
const statuses: Readonly<Record<string, readonly (readonly [object, ...object[]])[]>> = {
  'one that runs': [[job(), { startTime: start, active: 1, ready: 0, terminating: 0, uncountedTerminatedPods: {} }]],
  'one that is complete': [
    [
      job(),
      { startTime: start, active: 1 },
      { startTime: start, succeeded: 1, active: 0, conditions: [condition('SuccessCriteriaMet')] },
      {
        startTime: start,
        completionTime: '2026-01-01T00:01:00Z',
        succeeded: 1,
        conditions: [condition('SuccessCriteriaMet'), condition('Complete')],
      },
      { startTime: start, conditions: [] },
    ],
  ],
  'complete without all that belongs to it': [
    [job(), { conditions: [condition('Complete')] }],
    [job(), { startTime: start, completionTime: '2025-01-01T00:00:00Z', conditions: [condition('Complete'), condition('Failed')] }],
    [job(), { startTime: start, conditions: [condition('FailureTarget'), condition('SuccessCriteriaMet')] }],
    [job(), { startTime: start, completionTime: '2026-01-01T00:01:00Z' }],
  ],
  'failed too early': [
    [job(), { startTime: start, conditions: [condition('Failed')] }],
    [
      job(),
      {
        startTime: start,
        active: 1,
        terminating: 1,
        uncountedTerminatedPods: { failed: ['u'] },
        conditions: [condition('FailureTarget'), condition('Failed')],
      },
    ],
  ],
  'counts that cannot be': [
    [job(), { active: -1, succeeded: -1, failed: -1, ready: -1, terminating: -1 }],
    [job(), { active: 1, ready: 2 }],
    [job(), { uncountedTerminatedPods: { succeeded: ['a', ''], failed: ['a'] } }],
    [job(), { failed: 2, succeeded: 2 }, { failed: 1, succeeded: 1 }],
  ],
  'a start that moves': [[job(), { startTime: start }, { startTime: '2026-02-01T00:00:00Z' }, {}]],
  'indexes that cannot be': [
    [job(), { completedIndexes: '0', failedIndexes: '0' }],
    [indexed(), { completedIndexes: '3,1', failedIndexes: '' }],
    [indexed({ backoffLimitPerIndex: 1 }), { completedIndexes: '0-3', failedIndexes: '2' }],
    [indexed({ backoffLimitPerIndex: 1 }), { completedIndexes: '9', failedIndexes: 'x' }],
  ],
};

/** The template is shown in Go's own form where it may not change: who reads that? */
const shortened = (text: string): string =>
  text
    .replaceAll(/(template(\.spec)?: Invalid value: ).*?(: field is immutable)/g, '$1…$3')
    .replaceAll(/(Invalid value: )\{.*?\}(: field is immutable)/g, '$1…$2');

interface Told {
  readonly details?: { readonly causes?: readonly object[] };
  readonly metadata?: { readonly name?: string; readonly managedFields?: unknown };
}

/** Refusals name all that is wrong, in any order. Who wrote which field is another test's. */
function told({ status, headers, text }: RawAnswer): object {
  const body = JSON.parse(text) as Told;
  const said = (value: unknown): unknown =>
    JSON.parse(shortened(steady(JSON.stringify(value).replaceAll(/gen-[a-z0-9]{5}/g, 'gen-')))) as unknown;
  const warnings = headers['warning'];
  if (status === 422) {
    const causes = new Set(body.details?.causes?.map((cause) => JSON.stringify(said(cause))));
    return { status, warnings, causes: [...causes].toSorted() };
  }
  const { managedFields: _, ...metadata } = body.metadata ?? {};
  return { status, warnings, body: said({ ...body, metadata }) };
}

const sameOrder = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sameOrder)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .toSorted(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, each]) => [key, sameOrder(each)]),
        )
      : value;

describe.runIf(path)('Jobs on a real API server and on ours', () => {
  let pair: Pair;
  let number = 0;
  beforeAll(async () => {
    pair = await openPair(path as string);
  });
  afterAll(() => pair?.close());

  const jobsPath = (rest = ''): string => `/apis/batch/v1/namespaces/${pair.namespace}/jobs${rest}`;
  async function same(asked: Parameters<Pair['ask']>[0]): Promise<RawAnswer> {
    const { theirs, mine } = await pair.ask({ ...asked, headers: { 'content-type': 'application/json', ...asked.headers } });
    expect(sameOrder(told(mine))).toEqual(sameOrder(told(theirs)));
    return mine;
  }
  /** A name of its own for each case, the same on both sides. */
  const named = (object: object): { object: object; name: string } => {
    const { metadata } = object as { metadata: { name?: string } };
    const name = `${metadata.name}-${number++}`;
    return { object: { ...object, metadata: { ...metadata, name } }, name };
  };
  async function made(object: object): Promise<string> {
    const { object: body, name } = named(object);
    await same({ method: 'POST', path: jobsPath(), body });
    return name;
  }

  it.each(Object.entries(created))('are made the same: %s', async (_, object) => {
    const answer = await same({ method: 'POST', path: jobsPath(), body: object });
    expect(answer.status).toBe(201);
    const { name } = (JSON.parse(answer.text) as { metadata: { name: string } }).metadata;
    if (name === 'j') {
      await same({ path: jobsPath('/j') });
      await same({ method: 'DELETE', path: jobsPath('/j'), body: { propagationPolicy: 'Background' } });
    }
  });

  it.each(Object.entries(refused))('are refused in the same words: %s', async (_, object) => {
    const { status } = await same({ method: 'POST', path: jobsPath(), body: object });
    expect(status).toBeGreaterThanOrEqual(400);
  });

  it('warn the same', async () => {
    await same({ method: 'POST', path: jobsPath('?dryRun=All'), body: job({}, { name: 'a.b' }) });
    const huge = { completionMode: 'Indexed', completions: 200_000, parallelism: 20_000 };
    await same({ method: 'POST', path: jobsPath('?dryRun=All'), body: job(huge) });
    const old = template({ nodeSelector: { 'beta.kubernetes.io/arch': 'x' }, imagePullSecrets: [{}] });
    await same({ method: 'POST', path: jobsPath('?dryRun=All'), body: job({ template: old }) });
  });

  it.each(Object.entries(updates))('change the same: %s', async (_, [object, edit]) => {
    const name = await made(object);
    const headers = { 'content-type': 'application/strategic-merge-patch+json' };
    await same({ method: 'PATCH', path: jobsPath(`/${name}`), headers, body: edit });
  });

  it.each(Object.entries(statuses))('take and refuse the same status: %s', async (_, sequences) => {
    for (const [object, ...written] of sequences) {
      const name = await made(object);
      for (const status of written) {
        const headers = { 'content-type': 'application/json-patch+json' };
        await same({ method: 'PATCH', path: jobsPath(`/${name}/status`), headers, body: [{ op: 'add', path: '/status', value: status }] });
      }
    }
  });

  it('have the same rows', async () => {
    for (const columns of ['', 'wide']) {
      const accept = `application/json;as=Table;g=meta.k8s.io;v=v1`;
      const rows = async (): Promise<[unknown, unknown]> => {
        const { theirs, mine } = await pair.ask({ path: jobsPath('?includeObject=None'), headers: { accept } });
        const cells = ({ text }: RawAnswer): unknown => {
          const { rows, columnDefinitions } = JSON.parse(steady(text)) as {
            rows: { cells: unknown[] }[];
            columnDefinitions: { name: string; type: string; priority: number }[];
          };
          const shown = columnDefinitions.map(({ name, type, priority }) => ({ name, type, priority }));
          return {
            shown,
            rows: rows.map(({ cells }) =>
              cells.map((cell) =>
                String(cell)
                  .replace(/^\d+s$/, 'AGE')
                  .replace(/^gen-.*/, 'gen-'),
              ),
            ),
          };
        };
        return [cells(mine), cells(theirs)];
      };
      const [mine, theirs] = await rows();
      expect(mine, columns).toEqual(theirs);
    }
  });

  it('are selected by their successes', async () => {
    const names = async (selector: string): Promise<unknown> => {
      const { theirs, mine } = await pair.ask({ path: jobsPath(`?fieldSelector=${encodeURIComponent(selector)}`) });
      const list = ({ status, text }: RawAnswer): unknown => [
        status,
        (JSON.parse(text) as { items?: { metadata: { name: string } }[] }).items?.map(({ metadata }) =>
          metadata.name.replace(/^gen-.*/, 'gen-'),
        ),
      ];
      expect(list(mine)).toEqual(list(theirs));
      return list(mine);
    };
    expect(await names('status.successful=1')).not.toEqual([200, []]);
    await names('status.successful!=0');
    await names('status.succeeded=1');
  });

  it('warn of the pods that a deletion leaves, unless told what to do with them', async () => {
    const [first, second] = [await made(job()), await made(job())];
    await same({ method: 'DELETE', path: jobsPath(`/${first}?dryRun=All`) });
    await same({ method: 'DELETE', path: jobsPath(`/${second}`), body: { propagationPolicy: 'Orphan' } });
    await same({ method: 'DELETE', path: jobsPath('?dryRun=All&labelSelector=none') });
  });
});
