/** Answers of a real API server (1.36) to strategic merge patches of a PodTemplate: what `changed`, or the `error`. */

export const base = {
  apiVersion: 'v1',
  kind: 'PodTemplate',
  metadata: { name: 'base', labels: { a: '1', b: '2' }, finalizers: ['x.io/a', 'x.io/b'] },
  template: {
    metadata: { labels: { l: '1' } },
    spec: {
      nodeSelector: { n: '1' },
      containers: [
        {
          name: 'one',
          image: 'i1',
          args: ['a', 'b'],
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
            { name: 'C', value: '3' },
          ],
          ports: [{ containerPort: 80, name: 'http' }, { containerPort: 81 }],
        },
        { name: 'two', image: 'i2' },
        { name: 'three', image: 'i3' },
      ],
      volumes: [
        { name: 'v1', emptyDir: {} },
        { name: 'v2', hostPath: { path: '/x' } },
      ],
      tolerations: [{ key: 't', operator: 'Exists' }],
      imagePullSecrets: [{ name: 's1' }, { name: 's2' }],
    },
  },
};

export interface StrategicCase {
  readonly name: string;
  readonly patch: object;
  /** Only the fields that differ from before; null: gone. */
  readonly changed?: Readonly<Record<string, unknown>>;
  readonly error?: string;
}

export const cases: readonly StrategicCase[] = [
  {
    name: 'merges an item by its key',
    patch: { template: { spec: { containers: [{ name: 'two', image: 'new' }] } } },
    changed: {
      containers: [
        {
          name: 'one',
          image: 'i1',
          args: ['a', 'b'],
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
            { name: 'C', value: '3' },
          ],
          ports: [{ name: 'http', containerPort: 80 }, { containerPort: 81 }],
        },
        { name: 'two', image: 'new' },
        { name: 'three', image: 'i3' },
      ],
    },
  },
  {
    name: 'appends an unknown item',
    patch: { template: { spec: { containers: [{ name: 'four', image: 'i4' }] } } },
    changed: {
      containers: [
        { name: 'four', image: 'i4' },
        {
          name: 'one',
          image: 'i1',
          args: ['a', 'b'],
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
            { name: 'C', value: '3' },
          ],
          ports: [{ name: 'http', containerPort: 80 }, { containerPort: 81 }],
        },
        { name: 'two', image: 'i2' },
        { name: 'three', image: 'i3' },
      ],
    },
  },
  {
    name: 'a patched item keeps its place, new ones come after those before them',
    patch: {
      template: {
        spec: {
          containers: [
            { name: 'three', image: 'n3' },
            { name: 'zero', image: 'z' },
            { name: 'one', image: 'n1' },
          ],
        },
      },
    },
    changed: {
      containers: [
        { name: 'two', image: 'i2' },
        { name: 'three', image: 'n3' },
        { name: 'zero', image: 'z' },
        {
          name: 'one',
          image: 'n1',
          args: ['a', 'b'],
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
            { name: 'C', value: '3' },
          ],
          ports: [{ name: 'http', containerPort: 80 }, { containerPort: 81 }],
        },
      ],
    },
  },
  {
    name: 'deletes an item',
    patch: { template: { spec: { containers: [{ name: 'two', $patch: 'delete' }] } } },
    changed: {
      containers: [
        {
          name: 'one',
          image: 'i1',
          args: ['a', 'b'],
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
            { name: 'C', value: '3' },
          ],
          ports: [{ name: 'http', containerPort: 80 }, { containerPort: 81 }],
        },
        { name: 'three', image: 'i3' },
      ],
    },
  },
  { name: 'deletes an absent item', patch: { template: { spec: { containers: [{ name: 'nope', $patch: 'delete' }] } } }, changed: {} },
  {
    name: 'replaces the whole list',
    patch: { template: { spec: { containers: [{ $patch: 'replace' }, { name: 'only', image: 'o' }] } } },
    changed: { containers: [{ name: 'only', image: 'o' }] },
  },
  {
    name: "replaces one item's fields",
    patch: { template: { spec: { volumes: [{ name: 'v2', $patch: 'replace', emptyDir: {} }] } } },
    changed: { volumes: null },
  },
  {
    name: 'orders by setElementOrder',
    patch: { template: { spec: { '$setElementOrder/containers': [{ name: 'three' }, { name: 'one' }] } } },
    changed: {
      containers: [
        { name: 'two', image: 'i2' },
        { name: 'three', image: 'i3' },
        {
          name: 'one',
          image: 'i1',
          args: ['a', 'b'],
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
            { name: 'C', value: '3' },
          ],
          ports: [{ name: 'http', containerPort: 80 }, { containerPort: 81 }],
        },
      ],
    },
  },
  {
    name: 'orders and patches',
    patch: {
      template: {
        spec: {
          '$setElementOrder/containers': [{ name: 'three' }, { name: 'new' }, { name: 'one' }, { name: 'two' }],
          containers: [
            { name: 'new', image: 'n' },
            { name: 'one', image: 'x' },
          ],
        },
      },
    },
    changed: {
      containers: [
        { name: 'three', image: 'i3' },
        { name: 'new', image: 'n' },
        {
          name: 'one',
          image: 'x',
          args: ['a', 'b'],
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
            { name: 'C', value: '3' },
          ],
          ports: [{ name: 'http', containerPort: 80 }, { containerPort: 81 }],
        },
        { name: 'two', image: 'i2' },
      ],
    },
  },
  {
    name: 'kubectl apply removing a container',
    patch: {
      template: {
        spec: { '$setElementOrder/containers': [{ name: 'one' }, { name: 'three' }], containers: [{ name: 'two', $patch: 'delete' }] },
      },
    },
    changed: {
      containers: [
        {
          name: 'one',
          image: 'i1',
          args: ['a', 'b'],
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
            { name: 'C', value: '3' },
          ],
          ports: [{ name: 'http', containerPort: 80 }, { containerPort: 81 }],
        },
        { name: 'three', image: 'i3' },
      ],
    },
  },
  {
    name: 'env merges by name',
    patch: {
      template: {
        spec: {
          containers: [
            {
              name: 'one',
              env: [
                { name: 'B', value: '9' },
                { name: 'D', value: '4' },
              ],
            },
          ],
        },
      },
    },
    changed: {
      containers: [
        {
          name: 'one',
          image: 'i1',
          args: ['a', 'b'],
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '9' },
            { name: 'D', value: '4' },
            { name: 'C', value: '3' },
          ],
          ports: [{ name: 'http', containerPort: 80 }, { containerPort: 81 }],
        },
        { name: 'two', image: 'i2' },
        { name: 'three', image: 'i3' },
      ],
    },
  },
  {
    name: 'env deletes and orders',
    patch: {
      template: {
        spec: {
          containers: [
            {
              name: 'one',
              '$setElementOrder/env': [{ name: 'C' }, { name: 'A' }, { name: 'E' }],
              env: [
                { name: 'B', $patch: 'delete' },
                { name: 'E', value: '5' },
              ],
            },
          ],
        },
      },
    },
    changed: {
      containers: [
        {
          name: 'one',
          image: 'i1',
          args: ['a', 'b'],
          env: [
            { name: 'C', value: '3' },
            { name: 'A', value: '1' },
            { name: 'E', value: '5' },
          ],
          ports: [{ name: 'http', containerPort: 80 }, { containerPort: 81 }],
        },
        { name: 'two', image: 'i2' },
        { name: 'three', image: 'i3' },
      ],
    },
  },
  {
    name: 'a list without a merge key is replaced',
    patch: { template: { spec: { containers: [{ name: 'one', args: ['z'] }] } } },
    changed: {
      containers: [
        {
          name: 'one',
          image: 'i1',
          args: ['z'],
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
            { name: 'C', value: '3' },
          ],
          ports: [{ name: 'http', containerPort: 80 }, { containerPort: 81 }],
        },
        { name: 'two', image: 'i2' },
        { name: 'three', image: 'i3' },
      ],
    },
  },
  {
    name: 'ports merge by containerPort',
    patch: { template: { spec: { containers: [{ name: 'one', ports: [{ containerPort: 81, name: 'other' }] }] } } },
    changed: {
      containers: [
        {
          name: 'one',
          image: 'i1',
          args: ['a', 'b'],
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
            { name: 'C', value: '3' },
          ],
          ports: [
            { name: 'http', containerPort: 80 },
            { name: 'other', containerPort: 81 },
          ],
        },
        { name: 'two', image: 'i2' },
        { name: 'three', image: 'i3' },
      ],
    },
  },
  {
    name: 'null removes a field',
    patch: { template: { spec: { containers: [{ name: 'one', env: null }], nodeSelector: null } } },
    changed: {
      nodeSelector: null,
      containers: [
        { name: 'one', image: 'i1', args: ['a', 'b'], ports: [{ name: 'http', containerPort: 80 }, { containerPort: 81 }] },
        { name: 'two', image: 'i2' },
        { name: 'three', image: 'i3' },
      ],
    },
  },
  {
    name: 'a null list goes',
    patch: { template: { spec: { tolerations: null, volumes: null } } },
    changed: { volumes: null, tolerations: null },
  },
  { name: 'maps merge', patch: { template: { spec: { nodeSelector: { m: '2', n: null } } } }, changed: { nodeSelector: { m: '2' } } },
  {
    name: 'a map is replaced',
    patch: { template: { spec: { nodeSelector: { $patch: 'replace', m: '2' } } } },
    changed: { nodeSelector: { m: '2' } },
  },
  { name: 'a map is deleted', patch: { template: { spec: { nodeSelector: { $patch: 'delete' } } } }, changed: { nodeSelector: null } },
  {
    name: 'finalizers merge',
    patch: { metadata: { finalizers: ['x.io/c', 'x.io/a'] } },
    changed: { finalizers: ['x.io/c', 'x.io/a', 'x.io/b'] },
  },
  {
    name: 'finalizers are deleted',
    patch: { metadata: { '$deleteFromPrimitiveList/finalizers': ['x.io/a'] } },
    changed: { finalizers: ['x.io/b'] },
  },
  {
    name: 'finalizers are deleted and set in order',
    patch: {
      metadata: {
        '$deleteFromPrimitiveList/finalizers': ['x.io/a'],
        '$setElementOrder/finalizers': ['x.io/z', 'x.io/b'],
        finalizers: ['x.io/z'],
      },
    },
    changed: { finalizers: ['x.io/z', 'x.io/b'] },
  },
  { name: 'labels merge', patch: { metadata: { labels: { a: null, c: '3' } } }, changed: { labels: { b: '2', c: '3' } } },
  {
    name: 'retainKeys keeps only the named ones',
    patch: { template: { spec: { volumes: [{ name: 'v2', $retainKeys: ['name', 'emptyDir'], emptyDir: {} }] } } },
    changed: {
      volumes: [
        { name: 'v1', emptyDir: {} },
        { name: 'v2', emptyDir: {} },
      ],
    },
  },
  {
    name: 'retainKeys must name what the patch sets',
    patch: { template: { spec: { volumes: [{ name: 'v2', $retainKeys: ['name'], emptyDir: {} }] } } },
    error: 'invalid patch format of retainKeys',
  },
  {
    name: 'an item without its key',
    patch: { template: { spec: { containers: [{ image: 'x' }] } } },
    error: 'map: map[image:x] does not contain declared merge key: name',
  },
  {
    name: 'an unknown directive',
    patch: { template: { spec: { nodeSelector: { $patch: 'foo' } } } },
    error: 'unknown patch type: foo in map: map[$patch:foo]',
  },
  {
    name: 'tolerations have no merge key',
    patch: { template: { spec: { tolerations: [{ key: 'u', operator: 'Exists' }] } } },
    changed: { tolerations: [{ key: 'u', operator: 'Exists' }] },
  },
  {
    name: 'imagePullSecrets merge by name',
    patch: { template: { spec: { imagePullSecrets: [{ name: 's0' }] } } },
    changed: { imagePullSecrets: [{ name: 's0' }, { name: 's1' }, { name: 's2' }] },
  },
  {
    name: 'merge directive is nothing',
    patch: { template: { spec: { nodeSelector: { $patch: 'merge', z: '1' } } } },
    error: 'unknown patch type: merge in map: map[$patch:merge z:1]',
  },
  {
    name: 'order that does not name a patched item',
    patch: { template: { spec: { '$setElementOrder/containers': [{ name: 'one' }], containers: [{ name: 'two', image: 'x' }] } } },
    error: "The order in patch list:\n[map[image:x name:two]]\n doesn't match $setElementOrder list:\n[map[name:one]]\n",
  },
  {
    name: 'order in conflict with the patch',
    patch: {
      template: {
        spec: {
          '$setElementOrder/containers': [{ name: 'one' }, { name: 'two' }],
          containers: [
            { name: 'two', image: 'x' },
            { name: 'one', image: 'y' },
          ],
        },
      },
    },
    error:
      "The order in patch list:\n[map[image:x name:two] map[image:y name:one]]\n doesn't match $setElementOrder list:\n[map[name:one] map[name:two]]\n",
  },
  {
    name: 'nested null in a new item',
    patch: { template: { spec: { volumes: [{ name: 'v9', emptyDir: { medium: null } }] } } },
    changed: {
      volumes: [
        { name: 'v9', emptyDir: {} },
        { name: 'v1', emptyDir: {} },
        { name: 'v2', hostPath: { path: '/x', type: '' } },
      ],
    },
  },
];
