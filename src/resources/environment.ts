/** Variables of a function's environment: the forms of a Kubernetes EnvVar that the platform fills. */
import { z } from 'zod';
import { exactlyOne } from './custom.ts';
import type { CrossFieldRule } from './kind.ts';
import { listByKey, objectName, setOf } from './schema.ts';

const keySelector = z.strictObject({
  name: objectName.describe('Name of the object in the same namespace.'),
  key: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[-._a-zA-Z0-9]+$/)
    .describe('Which of its keys.'),
  optional: z.boolean().optional().describe('Start without the variable when there is no such key.'),
});

const envVar = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[ -<>-~]+$/)
    .describe('Name of the variable.'),
  value: z.string().max(131_072).optional().describe('Its value.'),
  valueFrom: z
    .strictObject({
      secretKeyRef: keySelector.optional().describe('A key of a Secret.'),
      configMapKeyRef: keySelector.optional().describe('A key of a ConfigMap.'),
    })
    .optional()
    .describe('Where its value comes from.'),
});

export const environmentFields = {
  env: listByKey(envVar, 'name', 256).optional().describe('Variables, as in a container.'),
  secrets: setOf(objectName, 64)
    .optional()
    .describe('Secrets of the same namespace: every key is a variable, and the file /secrets/NAME/KEY.'),
  configMaps: setOf(objectName, 64)
    .optional()
    .describe('ConfigMaps of the same namespace: every key is a variable, and the file /configs/NAME/KEY.'),
};

export const environmentRules: readonly CrossFieldRule[] = [
  {
    path: 'spec.env[]',
    cel: '!(has(self.value) && has(self.valueFrom))',
    check: (variable: { value?: string; valueFrom?: object }) => variable.value === undefined || variable.valueFrom === undefined,
    message: 'only one of `value`, `valueFrom` may be given',
  },
  exactlyOne('spec.env[].valueFrom', ['secretKeyRef', 'configMapKeyRef']),
];
