/** Watches: where they begin, what they tell, how they end. */
import type { Script } from './servers.ts';
import type { Session } from './session.ts';

const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const partial = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';

const make = (s: Session, name: string, labels: object = {}): Promise<unknown> =>
  s.create('secrets', { metadata: { name, labels } }, { quiet: true });
const label = (s: Session, name: string, labels: object): Promise<unknown> =>
  s.patch('merge', `secrets/${name}`, { metadata: { labels } }, { quiet: true });
const versionNow = async (s: Session): Promise<string> =>
  (await s.get('secrets', { quiet: true })).body.metadata?.resourceVersion as string;

/** Something of everything, and the version before it. */
async function story(s: Session): Promise<string> {
  await make(s, 'before', { in: 'yes' });
  const from = await versionNow(s);
  await make(s, 'a', { in: 'yes' });
  await make(s, 'b');
  await label(s, 'b', { in: 'yes' });
  await label(s, 'a', { more: 'yes' });
  await label(s, 'a', { in: null });
  await label(s, 'a', { still: 'out' });
  await label(s, 'a', { in: 'yes' });
  await s.delete('secrets/b', undefined, { quiet: true });
  await label(s, 'before', { in: 'no' });
  await make(s, 'last', { in: 'yes' });
  return from;
}
const within = '&timeoutSeconds=1';

const queries =
  (...texts: readonly string[]): Script =>
  async (s) => {
    await make(s, 'a');
    for (const each of texts) await s.watch(`secrets?timeoutSeconds=1${each && `&${each}`}`);
  };

export const watchCases: Readonly<Record<string, Script>> = {
  'from a version': async (s) => {
    const from = await story(s);
    await s.watch(`secrets?resourceVersion=${from}${within}`, { last: 'last' });
    await s.watch(`secrets?resourceVersion=${from}${within}`, { accept: table, last: 'last' });
    await s.watch(`secrets?resourceVersion=${from}${within}`, { accept: partial, last: 'last' });
    await s.watch(`secrets?resourceVersion=${from}&includeObject=None${within}`, { accept: table });
    await s.watch(`secrets?resourceVersion=${from}&includeObject=Object${within}`, { accept: table, last: 'last' });
  },
  'what enters a selection and leaves it': async (s) => {
    const from = await story(s);
    await s.watch(`secrets?resourceVersion=${from}&labelSelector=in%3Dyes${within}`, { last: 'last' });
    await s.watch(`secrets?resourceVersion=${from}&labelSelector=in!%3Dyes${within}`);
    await s.watch(`secrets?resourceVersion=${from}&fieldSelector=metadata.name%3Da${within}`);
    await s.watch(`secrets?resourceVersion=${from}&fieldSelector=metadata.name%3Da&labelSelector=in%3Dyes${within}`);
    await s.watch(`secrets?resourceVersion=${from}&labelSelector=in%3Dyes${within}`, { accept: table, last: 'last' });
    await s.watch(`secrets?resourceVersion=${from}&labelSelector=in%3Dyes${within}`, { accept: partial, last: 'last' });
  },
  'one object': async (s) => {
    const from = await story(s);
    await s.watch(`/api/v1/watch/namespaces/NS/secrets/a?resourceVersion=${from}${within}`);
    await s.watch(`/api/v1/watch/namespaces/NS/secrets?resourceVersion=${from}${within}`, { last: 'last' });
    await s.watch(`/api/v1/namespaces/NS/secrets/a?resourceVersion=${from}${within}`);
  },
  'from the present': async (s) => {
    await story(s);
    await s.watch('secrets?timeoutSeconds=1', { events: 3 });
    await s.watch('secrets?resourceVersion=0&timeoutSeconds=1', { events: 3 });
    await s.watch('secrets?resourceVersion=0&labelSelector=in%3Dyes&timeoutSeconds=1', { events: 2 });
    await s.watch('secrets?resourceVersion=0&timeoutSeconds=1', { events: 3, accept: table });
  },
  'initial events and the bookmark that ends them': async (s) => {
    const from = await story(s);
    const streamed = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan';
    await s.watch(`secrets?${streamed}&allowWatchBookmarks=true${within}`, { events: 4 });
    await s.watch(`secrets?${streamed}&allowWatchBookmarks=true&resourceVersion=0${within}`, { events: 4 });
    await s.watch(`secrets?${streamed}&allowWatchBookmarks=true&resourceVersion=${from}${within}`, { events: 4 });
    await s.watch(`secrets?${streamed}&allowWatchBookmarks=true&labelSelector=in%3Dyes${within}`, { events: 3 });
    await s.watch(`secrets?${streamed}&allowWatchBookmarks=true${within}`, { events: 4, accept: table });
    await s.watch(`secrets?${streamed}&allowWatchBookmarks=true${within}`, { events: 4, accept: partial });
    await s.watch(`secrets?${streamed}${within}`, { events: 3 });
    await s.watch(`functions?${streamed}&allowWatchBookmarks=true${within}`, { events: 1 });
    await s.watch(`secrets?sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=${from}${within}`, { last: 'last' });
    await s.watch(`secrets?sendInitialEvents=false&resourceVersionMatch=NotOlderThan${within}`);
  },
  'options that do not go together': queries(
    'sendInitialEvents=true',
    'sendInitialEvents=false',
    'sendInitialEvents=true&resourceVersionMatch=Exact',
    'sendInitialEvents=true&resourceVersionMatch=nonsense',
    'resourceVersionMatch=NotOlderThan',
    'resourceVersionMatch=Exact',
    'resourceVersionMatch=NotOlderThan&resourceVersion=0',
    'resourceVersion=x',
    'resourceVersion=-1',
    'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=x',
    'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&continue=x',
    'labelSelector=a%3Db%3Dc',
    'fieldSelector=nonsense%3D1',
  ),
  'limits and tokens say nothing to it': async (s) => {
    await make(s, 'a');
    await s.watch('secrets?limit=1&timeoutSeconds=1', { events: 1 });
    await s.watch('secrets?continue=x&timeoutSeconds=1', { events: 1 });
  },
  'time-outs that are none': async (s) => {
    await s.watch('secrets?timeoutSeconds=x');
    await s.watch('secrets?timeoutSeconds=');
    await s.get('secrets?watch=true&timeoutSeconds=1', { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' });
    await s.watch('none?timeoutSeconds=1');
    await s.watch('/api/v1/namespaces/no-such-namespace/secrets?timeoutSeconds=1');
  },
  'of our own kinds': async (s) => {
    const fn = { apiVersion: 'tsumugi.dev/v1', kind: 'Function', spec: { source: { inline: 'x' } } };
    const from = await versionNow(s);
    await s.create('functions', { ...fn, metadata: { name: 'f', labels: { in: 'yes' } } }, { quiet: true });
    await s.patch('merge', 'functions/f/status', { status: { observedGeneration: 1 } }, { quiet: true });
    await s.patch('merge', 'functions/f', { spec: { timeoutSeconds: 5 } }, { quiet: true });
    await s.patch('merge', 'functions/f', { metadata: { labels: { in: null } } }, { quiet: true });
    await s.delete('functions/f', undefined, { quiet: true });
    await s.create('functions', { ...fn, metadata: { name: 'last', labels: { in: 'yes' } } }, { quiet: true });
    await s.watch(`functions?resourceVersion=${from}${within}`, { last: 'last' });
    await s.watch(`functions?resourceVersion=${from}&labelSelector=in${within}`, { last: 'last' });
    await s.watch(`functions?resourceVersion=${from}${within}`, { last: 'last', accept: table });
  },
  'of pods that are deleted': async (s) => {
    const spec = { containers: [{ name: 'c', image: 'i' }], automountServiceAccountToken: false };
    const from = await versionNow(s);
    await s.create('pods', { metadata: { name: 'p' }, spec }, { quiet: true });
    await s.delete('pods/p', undefined, { quiet: true });
    await s.create('pods', { metadata: { name: 'q' }, spec: { ...spec, nodeName: 'nowhere' } }, { quiet: true });
    await s.delete('pods/q?gracePeriodSeconds=5', undefined, { quiet: true });
    await s.delete('pods/q?gracePeriodSeconds=0', undefined, { quiet: true });
    await s.create('pods', { metadata: { name: 'f', finalizers: ['x.io/f'] }, spec }, { quiet: true });
    await s.delete('pods/f', undefined, { quiet: true });
    await s.patch('merge', 'pods/f', { metadata: { finalizers: null } }, { quiet: true });
    await s.create('pods', { metadata: { name: 'last' }, spec }, { quiet: true });
    await s.watch(`pods?resourceVersion=${from}${within}`, { last: 'last' });
  },
};
