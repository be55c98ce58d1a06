/** Sequences on which the two servers differed once, as small as they could be made. */
import type { Sequence } from './operations.ts';

const lease = (metadata: object, query = ''): Sequence['operations'][number] => ({
  do: 'update',
  kind: 'leases',
  name: 'a',
  body: { metadata: { name: 'a', ...metadata } },
  query,
});
const of = (...operations: Sequence['operations']): Sequence => ({ operations, watches: [] });

export const found: Readonly<Record<string, Sequence>> = {
  'an update makes a lease': of(lease({}), lease({ resourceVersion: 'RV:leases/a' }), {
    do: 'delete',
    kind: 'leases',
    name: 'a',
    options: {},
  }),
  'an update of a lease that is not there, but has a uid': of(lease({ uid: 'other' })),
  'an update only seems to make a lease': of(lease({ resourceVersion: '1' }, 'dryRun=All'), {
    do: 'create',
    kind: 'leases',
    body: { metadata: { name: 'a' } },
  }),
  'a dry run knows its storage by another name': of(
    { do: 'create', kind: 'secrets', body: { metadata: { name: 'a' } } },
    { do: 'update', kind: 'secrets', name: 'a', body: { metadata: { name: 'a', uid: 'other' } }, query: 'dryRun=All' },
    { do: 'update', kind: 'secrets', name: 'a', body: { metadata: { name: 'a', uid: 'other' } } },
  ),
  'warnings of what is refused': of({
    do: 'update',
    kind: 'functions',
    name: 'a',
    body: { metadata: { name: 'a' }, spec: { source: { inline: 'x' }, labels: 'no such field' } },
  }),
  'a copy of what is not there is null': of(
    { do: 'patch', kind: 'leases', name: 'c', type: 'apply', body: {}, query: 'fieldManager=m1' },
    { do: 'patch', kind: 'leases', name: 'c', type: 'json', body: [{ op: 'copy', from: '/metadata/none', path: '/spec/holderIdentity' }] },
  ),
  'an apply with broken base64': of({
    do: 'patch',
    kind: 'secrets',
    name: 'a',
    type: 'apply',
    body: { data: { c: 'not base64' } },
    query: 'fieldManager=m1',
  }),
  'an order that names nothing': of(
    { do: 'create', kind: 'configmaps', body: { metadata: { name: 'a' } } },
    {
      do: 'patch',
      kind: 'configmaps',
      name: 'a',
      type: 'strategic',
      body: { metadata: { '$setElementOrder/finalizers': [], finalizers: ['x.io/g', 'x.io/h'] } },
    },
  ),
  'a finalizer that is no name, while the object goes': of(
    {
      do: 'create',
      kind: 'functions',
      body: { metadata: { name: 'c', finalizers: ['x.io/f'] }, spec: { source: { inline: 'x' } } },
    },
    { do: 'delete', kind: 'functions', name: 'c', options: {} },
    { do: 'patch', kind: 'functions', name: 'c', type: 'json', body: [{ op: 'add', path: '/metadata/finalizers/-', value: 'x' }] },
  ),
  'a deadline that would be later': of(
    {
      do: 'create',
      kind: 'pods',
      body: {
        metadata: { name: 'b' },
        spec: { automountServiceAccountToken: false, activeDeadlineSeconds: 50, containers: [{ name: 'c', image: 'i:1' }] },
      },
    },
    { do: 'patch', kind: 'pods', name: 'b', type: 'merge', body: { spec: { activeDeadlineSeconds: 60 } } },
  ),
  'a deadline and a node that are taken away': of(
    {
      do: 'create',
      kind: 'pods',
      body: {
        metadata: { name: 'b' },
        spec: {
          automountServiceAccountToken: false,
          activeDeadlineSeconds: 50,
          nodeName: 'nowhere',
          containers: [{ name: 'c', image: 'i:1' }],
        },
      },
    },
    {
      do: 'patch',
      kind: 'pods',
      name: 'b',
      type: 'json',
      body: [
        { op: 'remove', path: '/spec/activeDeadlineSeconds' },
        { op: 'remove', path: '/spec/nodeName' },
      ],
    },
  ),
  'a watch of one that goes with its last finalizer': {
    operations: [
      { do: 'create', kind: 'secrets', body: { metadata: { name: 'a', finalizers: ['x.io/f'] } } },
      { do: 'delete', kind: 'secrets', name: 'a', options: {} },
      { do: 'patch', kind: 'secrets', name: 'a', type: 'merge', body: { metadata: { finalizers: null } } },
    ],
    watches: [{ kind: 'secrets', from: 0, selector: '' }],
  },
  'a conflict with two managers of one name': of(
    {
      do: 'create',
      kind: 'pods',
      body: { metadata: { name: 'b' }, spec: { automountServiceAccountToken: false, containers: [{ name: 'c', image: 'i:2' }] } },
    },
    { do: 'patch', kind: 'pods', name: 'b', type: 'merge', status: true, body: { metadata: { labels: { m: '2' } } } },
    {
      do: 'patch',
      kind: 'pods',
      name: 'b',
      type: 'apply',
      body: { metadata: { labels: { m: '1' } }, spec: { automountServiceAccountToken: false, containers: [{ name: 'c', image: 'i:1' }] } },
      query: 'fieldManager=m1',
    },
  ),
  'a pod is not bound by an update': of(
    {
      do: 'create',
      kind: 'pods',
      body: { metadata: { name: 'b' }, spec: { automountServiceAccountToken: false, containers: [{ name: 'c', image: 'i:1' }] } },
    },
    { do: 'patch', kind: 'pods', name: 'b', type: 'json', body: [{ op: 'add', path: '/spec/nodeName', value: 'x' }] },
    { do: 'patch', kind: 'pods', name: 'b', type: 'merge', body: { spec: { nodeName: 'x' } } },
    {
      do: 'patch',
      kind: 'pods',
      name: 'b',
      type: 'json',
      body: [
        { op: 'add', path: '/spec/nodeName', value: 'x' },
        { op: 'remove', path: '/spec/containers/0/image' },
      ],
    },
  ),
  'a finalizer without a domain, by a copy': of(
    { do: 'create', kind: 'functions', body: { metadata: { name: 'b' }, spec: { source: { inline: 'x' } } } },
    { do: 'patch', kind: 'functions', name: 'b', type: 'merge', body: { metadata: { finalizers: ['x.io/g'] } } },
    {
      do: 'patch',
      kind: 'functions',
      name: 'b',
      type: 'json',
      body: [{ op: 'copy', from: '/spec/source/inline', path: '/metadata/finalizers/-' }],
    },
  ),
};
