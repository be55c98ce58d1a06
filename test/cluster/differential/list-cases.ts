/** Lists: versions, pages, selectors, forms. */
import type { Script } from './servers.ts';
import type { Session } from './session.ts';

const secrets = async (s: Session, count = 5): Promise<void> => {
  for (let n = 1; n <= count; n++)
    await s.create('secrets', { metadata: { name: `s${n}`, labels: { n: `${n}`, even: n % 2 ? 'no' : 'yes' } } }, { quiet: true });
};
const selectors =
  (kind: 'labelSelector' | 'fieldSelector', plural: string, ...texts: readonly string[]): Script =>
  async (s) => {
    await secrets(s, 3);
    for (const each of texts) await s.get(`${plural}?${kind}=${encodeURIComponent(each)}`);
  };
const queries =
  (...texts: readonly string[]): Script =>
  async (s) => {
    await secrets(s, 3);
    for (const each of texts) await s.get(`secrets?${each}`);
  };
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const partial = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
const partialOne = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';

export const listCases: Readonly<Record<string, Script>> = {
  pages: async (s) => {
    await secrets(s);
    const first = await s.get('secrets?limit=2');
    const second = await s.get(`secrets?limit=2&continue=${first.body.metadata?.continue}`);
    await s.get(`secrets?limit=2&continue=${second.body.metadata?.continue}`);
    await s.get(`secrets?continue=${first.body.metadata?.continue}`);
    await s.get(`secrets?limit=2&continue=${first.body.metadata?.continue}&resourceVersion=0`);
    await s.get(`secrets?limit=2&continue=${first.body.metadata?.continue}&resourceVersion=5`);
    await s.get(`secrets?limit=2&continue=${first.body.metadata?.continue}&resourceVersionMatch=Exact`);
    await s.get(`secrets?limit=2&continue=${first.body.metadata?.continue}&resourceVersion=5&resourceVersionMatch=Exact`);
    await s.get('secrets?limit=2&labelSelector=even%3Dno');
    const selected = await s.get('secrets?limit=1&labelSelector=even%3Dno');
    await s.get(`secrets?limit=1&labelSelector=even%3Dno&continue=${selected.body.metadata?.continue}`);
    await s.get('secrets?limit=5');
    await s.get('secrets?limit=500');
    await s.get('secrets?limit=2&fieldSelector=metadata.name%3Ds4');
    await s.get('secrets?limit=0');
    await s.get('secrets?limit=-1');
    await s.get('secrets?limit=two');
    await s.get('secrets?limit=');
    await s.get('secrets?limit=1&limit=2');
  },
  'a page shows the state of the first one': async (s) => {
    await secrets(s);
    const first = await s.get('secrets?limit=2');
    await s.delete('secrets/s4', undefined, { quiet: true });
    await s.create('secrets', { metadata: { name: 's9' } }, { quiet: true });
    await s.patch('merge', 'secrets/s5', { metadata: { labels: { n: 'changed' } } }, { quiet: true });
    await s.get(`secrets?continue=${first.body.metadata?.continue}`);
    await s.get('secrets');
  },
  'continue tokens that are none': queries(
    `limit=1&continue=${Buffer.from('{}').toString('base64url')}`,
    `limit=1&continue=${Buffer.from('[]').toString('base64url')}`,
    `limit=1&continue=${Buffer.from('{"v":"meta.k8s.io/v2","rv":5,"start":"a"}').toString('base64url')}`,
    `limit=1&continue=${Buffer.from('{"v":"meta.k8s.io/v1","start":"a"}').toString('base64url')}`,
    'limit=1&continue=%00',
  ),
  'a version': async (s) => {
    const before = (await s.get('secrets')).body.metadata?.resourceVersion as string;
    await secrets(s);
    const all = (await s.get('secrets')).body.metadata?.resourceVersion as string;
    await s.delete('secrets/s2', undefined, { quiet: true });
    for (const match of ['', '&resourceVersionMatch=Exact', '&resourceVersionMatch=NotOlderThan'])
      for (const limit of ['', '&limit=2'])
        for (const version of [before, all, '0', '99999999999']) await s.get(`secrets?resourceVersion=${version}${match}${limit}`);
    const page = await s.get(`secrets?resourceVersion=${all}&resourceVersionMatch=Exact&limit=2`);
    await s.get(`secrets?limit=2&continue=${page.body.metadata?.continue}`);
  },
  'versions that are none': queries(
    'resourceVersion=x',
    'resourceVersion=-1',
    'resourceVersion=1.5',
    'resourceVersion=99999999999999999999999',
    'resourceVersion=',
    'resourceVersion=00',
    'resourceVersion=x&resourceVersionMatch=Exact',
    'resourceVersion=x&limit=1',
    'resourceVersionMatch=Exact',
    'resourceVersionMatch=NotOlderThan',
    'resourceVersionMatch=nonsense',
    'resourceVersion=1&resourceVersionMatch=nonsense',
    'resourceVersion=0&resourceVersionMatch=nonsense',
    'resourceVersion=0&resourceVersionMatch=Exact',
    'resourceVersion=0&resourceVersionMatch=NotOlderThan&limit=1',
    'resourceVersion=&resourceVersionMatch=Exact',
    'sendInitialEvents=true',
    'sendInitialEvents=false',
    'sendInitialEvents=true&resourceVersionMatch=NotOlderThan',
    'allowWatchBookmarks=true',
    'timeoutSeconds=1',
    'timeoutSeconds=x',
    'watch=false',
    'watch=0',
    'unknown=1',
    'pretty=true&limit=1',
  ),
  'a version of one object': async (s) => {
    await secrets(s, 2);
    for (const version of ['0', '1', 'x', '99999999999', '']) await s.get(`secrets/s1?resourceVersion=${version}`);
    await s.get('secrets/none?resourceVersion=0');
    await s.get('secrets/s1?labelSelector=a%3Db');
    await s.get('secrets/s1?resourceVersionMatch=Exact');
  },
  'label selectors': selectors(
    'labelSelector',
    'secrets',
    'n=1',
    'n==1',
    'n = 1',
    'n!=1',
    'n',
    '!n',
    '! n',
    'none',
    '!none',
    'n in (1,2)',
    'n in (1, 3)',
    'n notin (1,2)',
    'none notin (1)',
    'n in ()',
    'n in (,)',
    'n in (,1)',
    'n in (1,)',
    'n in(1)',
    'n=',
    'n!=',
    'n=1,even=no',
    'n=1,even=yes',
    'n>1',
    'n<2',
    'n > 1',
    'even>1',
    'n>a',
    'n>=1',
    'n gt 1',
    'in',
    'notin',
    'in in (a)',
    'n in 1',
    'n in (1',
    'n in 1)',
    'n,',
    ',n',
    'n,,even',
    ',',
    ' ',
    'n=1 even=no',
    'n=1=2',
    '=',
    '=1',
    '!',
    '!!n',
    '!n=1',
    'n==',
    'n===1',
    'n!1',
    'a b',
    '()',
    '(n)',
    'n=(1)',
    'n=a b',
    'a/b/c=1',
    '-a=1',
    'a=-1',
    'a=b/c',
    `${'a'.repeat(64)}=1`,
    `a=${'b'.repeat(64)}`,
    'é=1',
    'a=é',
    'n=in',
    'n=notin',
    'x.io/y=1',
    'X.io/y=1',
    'n=*',
    'n="1"',
    'n in (a b)',
    'n in (a,-b)',
    'n notin',
    'n in',
    'n < x',
    'n>-1',
    'n>1,n<3',
  ),
  'field selectors': selectors(
    'fieldSelector',
    'secrets',
    'metadata.name=s1',
    'metadata.name==s1',
    'metadata.name!=s1',
    'metadata.name=none',
    'metadata.name=s1,metadata.name=s2',
    'metadata.name=s1,type=Opaque',
    'type=Opaque',
    'type!=Opaque',
    'type=',
    'metadata.namespace=NAMESPACE',
    'metadata.namespace=other',
    'metadata.namespace!=other',
    'metadata.uid=x',
    'spec.x=1',
    'metadata.name',
    'metadata.name=',
    '=',
    ',',
    ' ',
    'metadata.name = s1',
    'metadata.name=s1,',
    ',metadata.name=s1',
    'metadata.name=s\\,1',
    'metadata.name=s\\1',
    'metadata.name=s1\\',
    'metadata.name=s=1',
    'metadata.name>s1',
    'metadata.name in (s1)',
    '!metadata.name',
    'metadata.name=S1',
    'metadata.labels=1',
    'data=1',
  ),
  'field selectors of pods': selectors(
    'fieldSelector',
    'pods',
    'spec.nodeName=',
    'spec.nodeName=a',
    'status.phase=Pending',
    'status.phase!=Running',
    'spec.restartPolicy=Always',
    'spec.schedulerName=x',
    'spec.serviceAccountName=default',
    'spec.hostNetwork=true',
    'status.podIP=1',
    'status.podIPs=1',
    'status.nominatedNodeName=a',
    'status.reason=x',
    'metadata.name=a',
  ),
  'field selectors of others': async (s) => {
    for (const plural of ['configmaps', 'leases', 'functions', 'routes', 'serviceaccounts', 'events', 'namespaces', 'nodes'])
      for (const selector of ['spec.x=1', 'metadata.name=none', 'type=Normal', 'status.phase=Odd', 'spec.unschedulable=true'])
        await s.get(`${plural}?fieldSelector=${selector}`);
  },
  'selected objects that change': async (s) => {
    await secrets(s, 2);
    await s.get('secrets?labelSelector=even%3Dno');
    await s.patch('merge', 'secrets/s1', { metadata: { labels: { even: 'yes' } } });
    await s.get('secrets?labelSelector=even%3Dno');
    await s.get('secrets?labelSelector=even%3Dyes');
    await s.get('secrets?labelSelector=even%3Dyes&fieldSelector=metadata.name%3Ds1');
    await s.get('secrets?labelSelector=even%3Dno&fieldSelector=metadata.name%3Ds1');
  },
  'metadata alone': async (s) => {
    await secrets(s, 3);
    await s.get('secrets', { accept: partial });
    await s.get('secrets?limit=1', { accept: partial });
    await s.get('secrets/s1', { accept: partialOne });
    await s.get('secrets/s1', { accept: partial });
    await s.get('secrets', { accept: partialOne });
    await s.get('secrets/none', { accept: partialOne });
    await s.get('secrets', { accept: `${partial.replace('v=v1', 'v=v1beta1')},application/json` });
    await s.get('secrets', { accept: `application/json;as=PartialObjectMetadataList;v=v9;g=meta.k8s.io,application/json` });
    await s.get('secrets', { accept: `application/json;as=PartialObjectMetadataList;v=v9;g=meta.k8s.io` });
    await s.get('secrets', { accept: `application/json;as=Nonsense;v=v1;g=meta.k8s.io` });
    await s.get('secrets', { accept: `application/json;as=Nonsense;v=v1;g=meta.k8s.io,application/json` });
    await s.patch('merge', 'secrets/s1', { data: { a: 'aaaa' } }, { accept: partialOne });
    await s.create('secrets', { metadata: { name: 'made' } }, { accept: partialOne });
    await s.update('secrets/made', { metadata: { name: 'made', labels: { a: 'b' } } }, { accept: partialOne });
    await s.delete('secrets/made', undefined, { accept: partialOne });
    await s.create(
      'functions',
      { apiVersion: 'tsumugi.dev/v1', kind: 'Function', metadata: { name: 'f' }, spec: { source: { inline: 'x' } } },
      { quiet: true },
    );
    await s.get('functions', { accept: partial });
    await s.get('functions/f', { accept: partialOne });
    await s.delete('secrets', undefined, { accept: partial });
  },
  tables: async (s) => {
    await secrets(s, 3);
    for (const include of ['', '?includeObject=None', '?includeObject=Metadata', '?includeObject=Object', '?includeObject=Other'])
      await s.get(`secrets${include}`, { accept: table });
    await s.get('secrets?limit=1', { accept: table });
    await s.get('secrets/s1', { accept: table });
    await s.get('secrets/none', { accept: table });
    await s.get('secrets', { accept: table.replace('v=v1', 'v=v1beta1') });
    await s.patch('merge', 'secrets/s1', { data: { a: 'aaaa' } }, { accept: table });
    await s.create('secrets', { metadata: { name: 'made' } }, { accept: table });
    await s.update('secrets/made', { metadata: { name: 'made', labels: { a: 'b' } } }, { accept: table });
    await s.delete('secrets/made', undefined, { accept: table });
    await s.delete('secrets', undefined, { accept: table });
  },
  'nothing there': async (s) => {
    for (const plural of ['secrets', 'pods', 'leases', 'functions', 'events']) {
      await s.get(plural);
      await s.get(plural, { accept: table });
      await s.get(`${plural}/none`);
    }
    await s.get('/api/v1/namespaces/no-such-namespace/secrets');
    await s.get('/api/v1/namespaces/no-such-namespace/secrets/x');
    await s.get('/api/v1/namespaces/No_Such/secrets');
  },
};
