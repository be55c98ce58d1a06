import { expect, test } from 'vitest';
import type { JobDefinition } from '../../../resources/job-definition.ts';
import { jobFromJson, jobToJson } from './job.ts';

const key = { namespace: 'default', name: 'report' };
const task = (object: JobDefinition) => object.spec.template.spec.template.spec;

const stored = {
  apiVersion: 'tsumugi.dev/v1',
  kind: 'JobDefinition',
  metadata: { ...key, uid: 'u', generation: 3, resourceVersion: '42', creationTimestamp: '2026-11-21T10:00:00Z', labels: { app: 'shop' } },
  spec: {
    concurrencyPolicy: 'Forbid',
    successfulExecutionsHistoryLimit: 5,
    failedExecutionsHistoryLimit: 0,
    template: {
      metadata: { labels: { tier: 'batch' } },
      spec: {
        parallelism: 2,
        items: ['a', { b: null }, 3],
        activeDeadlineSeconds: 3600,
        queueTimeoutSeconds: 60,
        template: {
          spec: {
            containers: [
              {
                name: 'main',
                image: 'host',
                command: ['sh', '-c'],
                args: ['true'],
                workingDir: '/tmp',
                env: [
                  { name: 'LEVEL', value: 'debug' },
                  { name: 'KEY', valueFrom: { secretKeyRef: { name: 'api', key: 'key' } } },
                  { name: 'FILE', valueFrom: { configMapKeyRef: { name: 'settings', key: 'file' } } },
                  { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
                ],
                resources: { limits: { memory: '1Gi', cpu: 2 } },
                volumeMounts: [{ name: 'data', mountPath: '/data', readOnly: true }],
                lifecycle: { preStop: { exec: { command: ['sync'] } } },
              },
            ],
            volumes: [
              { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
              { name: 'scratch', emptyDir: { medium: 'Memory', sizeLimit: '1Gi' } },
              { name: 'keys', secret: { secretName: 'api', items: [{ key: 'key', path: 'k', mode: 256 }], defaultMode: 288 } },
              { name: 'all', projected: { sources: [] } },
            ],
            serviceAccountName: 'reporter',
            imagePullSecrets: [{ name: 'registry' }],
            maxRetries: 0,
            timeoutSeconds: 90,
            terminationGracePeriodSeconds: 5,
          },
        },
      },
    },
  },
  status: {
    executionCount: 2,
    latestCreatedExecution: { name: 'report-2', creationTimestamp: '2026-11-21T11:00:00Z', completionStatus: 'EXECUTION_RUNNING' },
    conditions: [{ type: 'Ready', status: 'True', reason: 'Ready', message: '', lastTransitionTime: 't', observedGeneration: 3 }],
  },
} as unknown as JobDefinition;

test('a job is shown with the names of Cloud Run', () => {
  expect(jobToJson(stored)).toMatchObject({
    name: 'namespaces/default/jobs/report',
    uid: 'u',
    generation: '3',
    observedGeneration: '3',
    etag: '42',
    labels: { app: 'shop' },
    concurrencyPolicy: 'FORBID',
    succeededHistoryLimit: 5,
    failedHistoryLimit: 0,
    executionCount: 2,
    latestCreatedExecution: { name: 'report-2', completionStatus: 'EXECUTION_RUNNING' },
    terminalCondition: { type: 'Ready', state: 'CONDITION_SUCCEEDED' },
    template: {
      labels: { tier: 'batch' },
      parallelism: 2,
      taskCount: 3,
      deadline: '3600s',
      queueTimeout: '60s',
      items: ['a', { b: null }, 3],
      template: { maxRetries: 0, timeout: '90s', serviceAccount: 'reporter', terminationGracePeriod: '5s' },
    },
  });
});

test('what is read and written again is what it was, also where the API cannot say it', () => {
  const { taskCount: _, ...template } = jobToJson(stored).template ?? {};
  const { metadata, spec } = jobFromJson(key, { ...jobToJson(stored), template }, stored);
  expect(metadata).toEqual(stored.metadata);
  expect(spec).toEqual({
    ...stored.spec,
    template: {
      ...stored.spec.template,
      spec: {
        ...stored.spec.template.spec,
        template: {
          spec: {
            ...task(stored),
            // A quantity is a text.
            containers: [{ ...(task(stored).containers?.[0] as object), resources: { limits: { memory: '1Gi', cpu: '2' } } }],
          },
        },
      },
    },
  });
});

test('what is not said is left to the defaults of the server', () => {
  const { spec } = jobFromJson(key, { template: { template: { call: { function: 'square' } } } });
  expect(spec).toEqual({ template: { spec: { template: { spec: { call: { function: 'square' } } } } } });
});

test('no retries is not the same as nothing said of them', () => {
  const written = jobFromJson(key, { template: { template: { maxRetries: 0, containers: [{ image: 'host' }] } } });
  expect(task(written)).toEqual({ maxRetries: 0, containers: [{ name: 'main', image: 'host' }] });
});

test.each(['0s', '-1s', '0.5s', '1e30s'])('%s is no time-out', (timeout) => {
  expect(() => jobFromJson(key, { template: { template: { timeout } } })).toThrow(/job.template.template.timeout is .*whole seconds/);
});
