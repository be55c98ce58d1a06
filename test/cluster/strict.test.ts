/** Unknown and duplicate fields: a real API server and ours say the same of them, in the same order. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Asked, openPair, type Pair } from './pair.ts';
import type { RawAnswer } from './raw.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];
const json = 'application/json';
const yaml = 'application/yaml';

const bodies: readonly (readonly [string, string, string])[] = [
  [
    'configmaps',
    json,
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","odd":1,"name":"z"},"foo":1,"data":{"a":"b","a":"c"},"bar":{"z":1,"z":2},"foo":2}',
  ],
  ['configmaps', json, '{"metadata":{"name":"x","labels":{"a":"b","a":"c"}},"Data":{"a":"b"},"DATA":{},"list":[{"a":1,"a":2}]}'],
  [
    'configmaps',
    json,
    '{"apiVersion":"v1","kind":"ConfigMap","kind":"ConfigMap","metadata":{"name":"x"},"metadata":{"name":"z"},"data":{"a":"1","a":"2","a":"3"}}',
  ],
  ['configmaps', json, '{"metadata":{"name":"x","managedFields":[{"foo":1}],"ownerReferences":[{"zip":1},{"zap":2}]},"immutable":null}'],
  [
    'configmaps',
    json,
    `{"metadata":{"name":"x"},${Array.from({ length: 120 }, (_, index) => `"u${index}${'x'.repeat(index)}":1`).join(',')}}`,
  ],
  ['configmaps', json, '{"metadata":{"name":"x","labels":{"a.b/c":"1","a.b/c":"2"}},"data":{"x.y":"1","x.y":"2"}}'],
  ['configmaps', yaml, 'metadata:\n  name: x\n  name: z\n  odd: 1\nfoo: 1\ndata:\n  a: b\n  a: c\nbar: {z: 1, z: 2}\nbar: 2\n'],
  ['configmaps', yaml, 'metadata: {name: x}\nzz: 1\naa: 1\nmm: {q: 1}\n'],
  [
    'pods',
    json,
    '{"metadata":{"name":"x"},"spec":{"containers":[{"name":"a","image":"i","imge":"q","env":[{"name":"A","val":"x","val":"z","name":"B"}],"image":"j"},{"name":"b","image":"i","ports":[{"containerPort":1,"x":1}]}],"restartpolicy":"Never","foo":{"a":{"b":1}},"containers2":[]},"status":{"zz":1}}',
  ],
  [
    'pods',
    json,
    '{"metadata":{"name":"x"},"spec":{"containers":[{"name":"a","image":"i","resources":{"limits":{"cpu":"1","cpu":"2"},"foo":1}}],"volumes":[{"name":"v","emptyDir":{},"emptyDr":{}}],"nodeSelector":{"a":"1","a":"2"}}}',
  ],
  ['pods', yaml, 'metadata: {name: x}\nspec:\n  containers:\n  - name: a\n    image: i\n    imge: q\n    name: b\n  foo: 1\n'],
  [
    'runtimes',
    json,
    '{"apiVersion":"tsumugi.dev/v1","kind":"Runtime","metadata":{"name":"a","name":"b","odd":1},"spec":{"image":"a","image":"b","no":1,"no":2,"resources":{"limits":{"cpu":1,"cpu":2}},"env":[{"a":1,"a":2}]},"zz":1,"status":{"q":1}}',
  ],
  ['runtimes', json, '{"apiVersion":"tsumugi.dev/v1","kind":"Runtime","metadata":{"name":"a"},"spec":{"Image":"a","poolsize":1}}'],
  [
    'runtimes',
    yaml,
    'apiVersion: tsumugi.dev/v1\nkind: Runtime\nmetadata:\n  name: a\n  name: b\n  odd: 1\nspec:\n  image: a\n  image: b\n  extra: 1\nzz: 1\n',
  ],
];

const patches: readonly (readonly [string, string, string])[] = [
  ['configmaps', 'application/merge-patch+json', '{"foo":1,"data":{"a":"1","a":"2"},"metadata":{"odd":1}}'],
  ['configmaps', 'application/strategic-merge-patch+json', '{"foo":1,"data":{"a":"1","a":"2"},"metadata":{"odd":1}}'],
  [
    'configmaps',
    'application/json-patch+json',
    '[{"op":"add","path":"/zoo","value":1},{"op":"add","path":"/foo","path":"/data/b","value":"1"},{"op":"add","path":"/foo","value":1}]',
  ],
  ['runtimes', 'application/merge-patch+json', '{"foo":1,"spec":{"image":"1","image":"2","nn":1},"metadata":{"odd":1}}'],
  ['runtimes', 'application/json-patch+json', '[{"op":"add","path":"/foo","value":1},{"op":"add","path":"/spec/zip","value":"1"}]'],
];

/** A patch's refusal shows the whole object, in the order of its own making. */
function shown({ status, warnings, body }: RawAnswer): object {
  const { message } = body as { message?: string };
  return { status, warnings, message: message?.replace(/Invalid value: "\{.*\}": (?=strict)/s, '') };
}

describe.runIf(path)('strict validation on a real API server and on ours', () => {
  let pair: Pair;
  const name = `strict-${process.pid}`;
  const url = (plural: string): string =>
    plural === 'runtimes' ? '/apis/tsumugi.dev/v1/runtimes' : `/api/v1/namespaces/${pair.namespace}/${plural}`;

  beforeAll(async () => {
    pair = await openPair(path as string);
    await pair.ask({ method: 'POST', path: url('configmaps'), body: { metadata: { name }, data: { a: 'b' } } });
    const runtime = { apiVersion: 'tsumugi.dev/v1', kind: 'Runtime', metadata: { name }, spec: { image: 'i' } };
    await pair.ask({ method: 'POST', path: url('runtimes'), body: runtime });
  });
  afterAll(async () => {
    await pair?.ask({ method: 'DELETE', path: `${url('runtimes')}/${name}` });
    await pair?.close();
  });

  async function expectSame(asked: Asked, some: boolean): Promise<void> {
    const { theirs, mine } = await pair.ask(asked);
    expect(shown(mine)).toEqual(shown(theirs));
    if (some) expect(theirs.status === 400 || theirs.status === 422 || theirs.warnings.length > 0).toBe(true);
  }

  describe.each(['Strict', 'Warn', 'Ignore', ''])('fieldValidation=%s', (validation) => {
    const query = `?dryRun=All&fieldManager=m&fieldValidation=${validation}`;

    it.each(bodies)('a new one of %s in %s: %.99s', async (plural, type, body) =>
      expectSame({ method: 'POST', path: url(plural) + query, headers: { 'content-type': type }, body }, validation !== 'Ignore'),
    );

    it.each(bodies.filter(([plural]) => plural !== 'pods'))('a replaced one of %s in %s: %.99s', async (plural, type, body) => {
      const named = body.replaceAll(/(name"?: ?"?)[abxz]\b/g, `$1${name}`);
      await expectSame({ method: 'PUT', path: `${url(plural)}/${name}${query}`, headers: { 'content-type': type }, body: named }, false);
    });

    it.each(patches)('a patch of %s by %s: %s', async (plural, type, body) =>
      expectSame(
        { method: 'PATCH', path: `${url(plural)}/${name}${query}`, headers: { 'content-type': type }, body },
        validation !== 'Ignore',
      ),
    );
  });
});

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
