/** From the making of an Execution of one task to its Complete, beside a batch/v1 Job of the same pod to its own. */
import type { KubeClient } from '../../src/kube/client.ts';
import { packageVersion } from '../../src/processes/version.ts';
import type { Job } from '../../src/resources/builtin/job/types.ts';
import type { Execution } from '../../src/resources/execution.ts';
import type { JobDefinition } from '../../src/resources/job-definition.ts';
import type { KubeObject, Resource } from '../../src/resources/object.ts';
import { executions, jobDefinitions, jobs } from '../../src/resources/resources.ts';
import { figure, type Row } from '../lib/row.ts';
import { median } from '../lib/stats.ts';
import type { Installed } from './installed.ts';

const containers = [{ name: 'main', image: `tsumugi/binary:${packageVersion()}`, command: ['/bin/true'] }];

interface WithConditions extends KubeObject {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** Milliseconds until the condition is True, of which the API server tells. */
async function untilTrue(client: KubeClient, resource: Resource, object: KubeObject, condition: string): Promise<number> {
  const { namespace = '', name } = object.metadata;
  const stop = new AbortController();
  const changes = client.watch<WithConditions>(resource, { namespace, fieldSelector: `metadata.name=${name}`, signal: stop.signal });
  const from = performance.now();
  const making = client.create(resource, object);
  try {
    for await (const { object: now } of changes)
      if (now.status?.conditions?.some(({ type, status }) => type === condition && status === 'True')) return performance.now() - from;
    throw new Error(`the watch of ${resource.kind} ${name} ended`);
  } finally {
    await making;
    stop.abort();
  }
}

export const execution: Row<[Installed]> = {
  name: 'execution',
  run: ({ quick }, installed) =>
    installed.inNamespace('execution', async (namespace) => {
      const { client } = installed;
      await client.create(jobDefinitions, {
        apiVersion: 'tsumugi.dev/v1',
        kind: 'JobDefinition',
        metadata: { name: 'true', namespace },
        spec: { template: { spec: { template: { spec: { containers } } } } },
      } as unknown as JobDefinition);
      const ours = (name: string): Promise<number> =>
        untilTrue(
          client,
          executions,
          { apiVersion: 'tsumugi.dev/v1', kind: 'Execution', metadata: { name, namespace }, spec: { jobDefinition: 'true' } } as Execution,
          'Completed',
        );
      const bare = (name: string): Promise<number> =>
        untilTrue(
          client,
          jobs,
          {
            apiVersion: 'batch/v1',
            kind: 'Job',
            metadata: { name, namespace },
            spec: { backoffLimit: 0, template: { spec: { restartPolicy: 'Never', containers } } },
          } as unknown as Job,
          'Complete',
        );
      const [ofExecutions, ofJobs]: [number[], number[]] = [[], []];
      for (let i = 0; i < (quick ? 5 : 20); i++) {
        ofExecutions.push(await ours(`execution-${i}`));
        ofJobs.push(await bare(`job-${i}`));
      }
      return [
        figure(
          'Execution of one task, made to Completed: ratio to a bare Job',
          median(ofExecutions.map((ms, i) => ms / ofJobs[i]!)),
          'x',
          [1.3, 1.05],
          `medians ${median(ofExecutions).toFixed(0)} and ${median(ofJobs).toFixed(0)} ms of ${ofJobs.length}`,
        ),
      ];
    }),
};
