/** The messages that are read in protobuf, by the field numbers of Kubernetes' generated.proto. */

/** `?`: a zero or empty value was sent on purpose; without, it is what was never set. */
export type FieldType =
  | 'string'
  | 'string?'
  | 'bytes'
  | 'bool'
  | 'int'
  | 'int?'
  | 'time'
  | 'microTime'
  | 'strings'
  | 'stringMap'
  | 'bytesMap'
  | 'quantityMap'
  | 'ignored'
  | MessageTable
  | readonly [MessageTable];

interface Field {
  readonly name: string;
  readonly type: FieldType;
}

export interface MessageTable {
  readonly fields: Readonly<Record<number, Field>>;
  /** Not all of its fields are in the table: one that is not, and says something, is refused. */
  readonly isPart?: true;
}

export const message = (fields: Readonly<Record<number, readonly [string, FieldType]>>): MessageTable => ({
  fields: Object.fromEntries(Object.entries(fields).map(([number, [name, type]]) => [number, { name, type }])),
});

const partOf = (fields: Parameters<typeof message>[0]): MessageTable => ({ ...message(fields), isPart: true });

const ownerReference = message({
  1: ['kind', 'string'],
  3: ['name', 'string'],
  4: ['uid', 'string'],
  5: ['apiVersion', 'string'],
  6: ['controller', 'bool'],
  7: ['blockOwnerDeletion', 'bool'],
});

const objectMeta = message({
  1: ['name', 'string'],
  2: ['generateName', 'string'],
  3: ['namespace', 'string'],
  4: ['selfLink', 'string'],
  5: ['uid', 'string'],
  6: ['resourceVersion', 'string'],
  7: ['generation', 'int'],
  8: ['creationTimestamp', 'time'],
  9: ['deletionTimestamp', 'time'],
  10: ['deletionGracePeriodSeconds', 'int'],
  11: ['labels', 'stringMap'],
  12: ['annotations', 'stringMap'],
  13: ['ownerReferences', [ownerReference]],
  14: ['finalizers', 'strings'],
  17: ['managedFields', 'ignored'],
});

const core: Readonly<Record<string, MessageTable>> = {
  ConfigMap: message({ 1: ['metadata', objectMeta], 2: ['data', 'stringMap'], 3: ['binaryData', 'bytesMap'], 4: ['immutable', 'bool'] }),
  Secret: message({
    1: ['metadata', objectMeta],
    2: ['data', 'bytesMap'],
    3: ['type', 'string'],
    4: ['stringData', 'stringMap'],
    5: ['immutable', 'bool'],
  }),
  Namespace: message({
    1: ['metadata', objectMeta],
    2: ['spec', message({ 1: ['finalizers', 'strings'] })],
    3: ['status', message({ 1: ['phase', 'string'], 2: ['conditions', 'ignored'] })],
  }),
  ServiceAccount: message({
    1: ['metadata', objectMeta],
    2: [
      'secrets',
      [
        message({
          1: ['kind', 'string'],
          2: ['namespace', 'string'],
          3: ['name', 'string'],
          4: ['uid', 'string'],
          5: ['apiVersion', 'string'],
          6: ['resourceVersion', 'string'],
          7: ['fieldPath', 'string'],
        }),
      ],
    ],
    3: ['imagePullSecrets', [message({ 1: ['name', 'string'] })]],
    4: ['automountServiceAccountToken', 'bool'],
  }),
  ResourceQuota: message({
    1: ['metadata', objectMeta],
    2: [
      'spec',
      message({
        1: ['hard', 'quantityMap'],
        2: ['scopes', 'strings'],
        3: [
          'scopeSelector',
          message({
            1: ['matchExpressions', [message({ 1: ['scopeName', 'string'], 2: ['operator', 'string'], 3: ['values', 'strings'] })]],
          }),
        ],
      }),
    ],
    3: ['status', message({ 1: ['hard', 'quantityMap'], 2: ['used', 'quantityMap'] })],
  }),
};

const container = partOf({
  1: ['name', 'string'],
  2: ['image', 'string'],
  3: ['command', 'strings'],
  4: ['args', 'strings'],
  5: ['workingDir', 'string'],
  7: ['env', [partOf({ 1: ['name', 'string'], 2: ['value', 'string'] })]],
  13: ['terminationMessagePath', 'string'],
  14: ['imagePullPolicy', 'string'],
  20: ['terminationMessagePolicy', 'string'],
});

const podSpec = partOf({
  2: ['containers', [container]],
  3: ['restartPolicy', 'string'],
  4: ['terminationGracePeriodSeconds', 'int?'],
  5: ['activeDeadlineSeconds', 'int?'],
  6: ['dnsPolicy', 'string'],
  7: ['nodeSelector', 'stringMap'],
  8: ['serviceAccountName', 'string'],
  9: ['serviceAccount', 'string'],
  16: ['hostname', 'string'],
  19: ['schedulerName', 'string'],
  20: ['initContainers', [container]],
  21: ['automountServiceAccountToken', 'bool'],
});

/** As far as `kubectl create job` goes. */
const job = message({
  1: ['metadata', objectMeta],
  2: [
    'spec',
    partOf({
      1: ['parallelism', 'int?'],
      2: ['completions', 'int?'],
      3: ['activeDeadlineSeconds', 'int?'],
      4: ['selector', partOf({ 1: ['matchLabels', 'stringMap'] })],
      5: ['manualSelector', 'bool'],
      6: ['template', message({ 1: ['metadata', objectMeta], 2: ['spec', podSpec] })],
      7: ['backoffLimit', 'int?'],
      8: ['ttlSecondsAfterFinished', 'int?'],
      9: ['completionMode', 'string?'],
      10: ['suspend', 'bool'],
      12: ['backoffLimitPerIndex', 'int?'],
      13: ['maxFailedIndexes', 'int?'],
      14: ['podReplacementPolicy', 'string?'],
      15: ['managedBy', 'string?'],
    }),
  ],
  3: ['status', 'ignored'],
});

const authentication: Readonly<Record<string, MessageTable>> = {
  SelfSubjectReview: message({ 1: ['metadata', objectMeta] }),
  TokenReview: message({ 1: ['metadata', objectMeta], 2: ['spec', message({ 1: ['token', 'string'], 2: ['audiences', 'strings'] })] }),
  TokenRequest: message({
    1: ['metadata', objectMeta],
    2: [
      'spec',
      message({
        1: ['audiences', 'strings'],
        3: ['boundObjectRef', message({ 1: ['kind', 'string'], 2: ['apiVersion', 'string'], 3: ['name', 'string'], 4: ['uid', 'string'] })],
        4: ['expirationSeconds', 'int?'],
      }),
    ],
  }),
};

const authorization: Readonly<Record<string, MessageTable>> = {
  SelfSubjectAccessReview: message({
    1: ['metadata', objectMeta],
    2: [
      'spec',
      message({
        1: [
          'resourceAttributes',
          message({
            1: ['namespace', 'string'],
            2: ['verb', 'string'],
            3: ['group', 'string'],
            4: ['version', 'string'],
            5: ['resource', 'string'],
            6: ['subresource', 'string'],
            7: ['name', 'string'],
          }),
        ],
        2: ['nonResourceAttributes', message({ 1: ['path', 'string'], 2: ['verb', 'string'] })],
      }),
    ],
  }),
  SelfSubjectRulesReview: message({ 1: ['metadata', objectMeta], 2: ['spec', message({ 1: ['namespace', 'string'] })] }),
};

const lease = message({
  1: ['metadata', objectMeta],
  2: [
    'spec',
    message({
      1: ['holderIdentity', 'string?'],
      2: ['leaseDurationSeconds', 'int?'],
      3: ['acquireTime', 'microTime'],
      4: ['renewTime', 'microTime'],
      5: ['leaseTransitions', 'int?'],
      6: ['strategy', 'string?'],
      7: ['preferredHolder', 'string?'],
    }),
  ],
});

const deleteOptions = message({
  1: ['gracePeriodSeconds', 'int?'],
  2: ['preconditions', message({ 1: ['uid', 'string?'], 2: ['resourceVersion', 'string?'] })],
  3: ['orphanDependents', 'bool'],
  4: ['propagationPolicy', 'string?'],
  5: ['dryRun', 'strings'],
});

const of = (apiVersion: string, messages: Readonly<Record<string, MessageTable>>): Readonly<Record<string, MessageTable>> =>
  Object.fromEntries(Object.entries(messages).map(([kind, table]) => [`${apiVersion} ${kind}`, table]));

/** By apiVersion and kind: `v1 ConfigMap`. */
export const kinds: Readonly<Record<string, MessageTable>> = {
  ...of('v1', core),
  'batch/v1 Job': job,
  ...of('authentication.k8s.io/v1', authentication),
  ...of('authorization.k8s.io/v1', authorization),
  'coordination.k8s.io/v1 Lease': lease,
  DeleteOptions: deleteOptions,
};
