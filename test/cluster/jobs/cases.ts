/** What happens to Jobs: each is played on both sides, with the test as kubelet. */
import { expect } from 'vitest';
import type { Pod } from '../../../src/resources/builtin/pod.ts';
import type { Side } from './side.ts';

/** `events`: reasons that must have been told in the end. */
export interface Case {
  readonly events: readonly string[];
  readonly play: (side: Side) => Promise<unknown>;
}

const all = (pods: readonly Pod[], what: (pod: Pod) => Promise<void>): Promise<unknown> => Promise.all(pods.map(what));
const indexed = { completionMode: 'Indexed' } as const;
const exits = (action: string, ...values: number[]): never => ({ action, onExitCodes: { operator: 'In', values } }) as never;

export const cases: Readonly<Record<string, Case>> = {
  'one pod that succeeds': {
    events: ['SuccessfulCreate', 'Completed'],
    async play(side) {
      await side.create({});
      const [pod] = await side.running(1);
      await side.run(pod as Pod);
      await side.has({ active: 1, ready: 1 });
      await side.succeed(pod as Pod);
      await side.is('Complete');
    },
  },
  'three of them, two at once': {
    events: ['SuccessfulCreate', 'Completed'],
    async play(side) {
      await side.create({ completions: 3, parallelism: 2 });
      const two = await side.running(2);
      await side.has({ active: 2 });
      await side.succeed(two[0] as Pod);
      await side.has({ succeeded: 1, active: 2 });
      await all(await side.running(2), (pod) => side.succeed(pod));
      await side.is('Complete');
    },
  },
  'a work queue: one success ends it when all have ended': {
    events: ['SuccessfulCreate', 'Completed'],
    async play(side) {
      await side.create({ parallelism: 2 });
      const [first, second] = await side.running(2);
      await side.succeed(first as Pod);
      await side.has({ succeeded: 1, active: 1 });
      await side.fail(second as Pod);
      await side.is('Complete');
    },
  },
  'no pods at all': {
    events: ['Completed'],
    async play(side) {
      await side.create({ completions: 0 });
      await side.is('Complete');
    },
  },
  'failures beyond the limit': {
    events: ['SuccessfulCreate', 'BackoffLimitExceeded'],
    async play(side) {
      await side.create({ backoffLimit: 0, parallelism: 2, completions: 2 });
      const [first] = await side.running(2);
      await side.fail(first as Pod);
      await side.is('Failed');
    },
  },
  'a failure within the limit, and ten seconds later another try': {
    events: ['SuccessfulCreate', 'Completed'],
    async play(side) {
      await side.create({ backoffLimit: 1 });
      const [first] = await side.running(1);
      await side.fail(first as Pod);
      const failed = Date.now();
      await side.has({ failed: 1 });
      const [second] = await side.running(1);
      expect(Date.now() - failed).toBeGreaterThan(8000);
      await side.succeed(second as Pod);
      await side.is('Complete');
    },
  },
  'restarts in place beyond the limit': {
    events: ['BackoffLimitExceeded', 'SuccessfulDelete'],
    async play(side) {
      const spec = { restartPolicy: 'OnFailure', terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'i:1' }] } as const;
      await side.create({ backoffLimit: 2, template: { spec } });
      const [pod] = await side.running(1);
      await side.run(pod as Pod, 1);
      await side.has({ ready: 1 });
      await side.run(pod as Pod, 2);
      await side.is('Failed');
    },
  },
  'a deadline': {
    events: ['SuccessfulCreate', 'SuccessfulDelete', 'DeadlineExceeded'],
    async play(side) {
      await side.create({ activeDeadlineSeconds: 2, parallelism: 2, completions: 2 });
      const [first] = await side.running(2);
      await side.run(first as Pod);
      await side.is('Failed');
    },
  },
  'a deadline set later': {
    events: ['DeadlineExceeded'],
    async play(side) {
      await side.create({});
      await side.running(1);
      await side.patch({ activeDeadlineSeconds: 1 });
      await side.is('Failed');
    },
  },
  'suspended, and resumed': {
    events: ['SuccessfulCreate', 'SuccessfulDelete', 'Suspended', 'Resumed', 'Completed'],
    async play(side) {
      await side.create({ parallelism: 2, completions: 2 });
      await all(await side.running(2), (pod) => side.run(pod));
      await side.has({ ready: 2 });
      await side.patch({ suspend: true });
      const { status } = await side.is('Suspended');
      expect(status?.startTime).toBeUndefined();
      await side.running(0);
      await side.has({ active: 0, ready: 0, terminating: 0 });
      await side.patch({ suspend: false });
      await side.is('Suspended', 'False');
      await all(await side.running(2), (pod) => side.succeed(pod));
      await side.is('Complete');
    },
  },
  'made suspended': {
    events: ['Suspended'],
    async play(side) {
      await side.create({ suspend: true });
      await side.is('Suspended');
    },
  },
  'more at once, then fewer': {
    events: ['SuccessfulCreate', 'SuccessfulDelete'],
    async play(side) {
      await side.create({ parallelism: 1, completions: 4 });
      await side.running(1);
      await side.patch({ parallelism: 3 });
      const three = await side.running(3);
      await side.run(three[1] as Pod);
      await side.has({ active: 3, ready: 1 });
      await side.patch({ parallelism: 1 });
      const [left] = await side.running(1);
      expect(left?.metadata.name).toBe(three[1]?.metadata.name);
      await side.has({ active: 1, ready: 1, terminating: 0 });
    },
  },
  'a pod that somebody deletes is replaced': {
    events: ['SuccessfulCreate', 'Completed'],
    async play(side) {
      await side.create({ backoffLimit: 1 });
      const [first] = await side.running(1);
      await side.deletePod(first as Pod);
      await side.has({ failed: 1 });
      const [second] = await side.running(1);
      await side.succeed(second as Pod);
      await side.is('Complete');
    },
  },
  'indexes, each with a pod of its own': {
    events: ['SuccessfulCreate', 'Completed'],
    async play(side) {
      await side.create({ ...indexed, completions: 5, parallelism: 3 });
      const [zero, , two] = await side.running(3);
      await side.succeed(two as Pod);
      await side.has({ completedIndexes: '2', active: 3 });
      await side.succeed(zero as Pod);
      await side.has({ completedIndexes: '0,2', active: 3 });
      await all(await side.running(3), (pod) => side.succeed(pod));
      await side.is('Complete');
    },
  },
  'an index that fails and is tried again': {
    events: ['SuccessfulCreate', 'Completed'],
    async play(side) {
      await side.create({ ...indexed, completions: 2, parallelism: 2 });
      const [zero, one] = await side.running(2);
      await side.succeed(one as Pod);
      await side.fail(zero as Pod);
      await side.has({ failed: 1, completedIndexes: '1' });
      await all(await side.running(1), (pod) => side.succeed(pod));
      await side.is('Complete');
    },
  },
  'fewer indexes': {
    events: ['SuccessfulCreate', 'SuccessfulDelete', 'Completed'],
    async play(side) {
      await side.create({ ...indexed, completions: 4, parallelism: 4 });
      const four = await side.running(4);
      await side.succeed(four[3] as Pod);
      await side.has({ completedIndexes: '3' });
      await side.patch({ completions: 2, parallelism: 2 });
      await side.running(2);
      await side.has({ active: 2, succeeded: 0 });
      await all(await side.running(2), (pod) => side.succeed(pod));
      await side.is('Complete');
    },
  },
  'limits of each index': {
    events: ['SuccessfulCreate', 'FailedIndexes'],
    async play(side) {
      await side.create({ ...indexed, completions: 3, parallelism: 3, backoffLimitPerIndex: 1 });
      const [zero, one, two] = await side.running(3);
      await side.succeed(one as Pod);
      await side.succeed(two as Pod);
      await side.fail(zero as Pod);
      await side.has({ completedIndexes: '1,2' });
      const [again] = await side.running(1);
      await side.fail(again as Pod);
      await side.is('Failed');
    },
  },
  'too many indexes that failed': {
    events: ['SuccessfulCreate', 'SuccessfulDelete', 'MaxFailedIndexesExceeded'],
    async play(side) {
      await side.create({ ...indexed, completions: 4, parallelism: 4, backoffLimitPerIndex: 0, maxFailedIndexes: 1 });
      const [, one, , three] = await side.running(4);
      await side.fail(one as Pod);
      await side.has({ failedIndexes: '1' });
      await side.fail(three as Pod);
      await side.is('Failed');
    },
  },
  'a policy of failure: the Job fails': {
    events: ['SuccessfulCreate', 'SuccessfulDelete', 'PodFailurePolicy'],
    async play(side) {
      await side.create({ parallelism: 2, completions: 2, podFailurePolicy: { rules: [exits('Count', 3), exits('FailJob', 42)] } });
      const [first] = await side.running(2);
      await side.fail(first as Pod, 42);
      await side.is('FailureTarget');
      await side.is('Failed');
    },
  },
  'a policy of failure: it does not count': {
    events: ['SuccessfulCreate', 'Completed'],
    async play(side) {
      const onPodConditions = [{ type: 'DisruptionTarget', status: 'True' }];
      await side.create({ backoffLimit: 0, podFailurePolicy: { rules: [exits('Ignore', 7), { action: 'Ignore', onPodConditions }] } });
      const [first] = await side.running(1);
      await side.tell(first as Pod, { phase: 'Failed', conditions: [{ type: 'DisruptionTarget', status: 'True' }] });
      await side.running(0);
      const [second] = await side.running(1);
      await side.succeed(second as Pod);
      await side.is('Complete');
    },
  },
  'a policy of failure: the index fails': {
    events: ['SuccessfulCreate', 'FailedIndexes'],
    async play(side) {
      const rules = [exits('FailIndex', 9)];
      await side.create({ ...indexed, completions: 2, parallelism: 2, backoffLimitPerIndex: 5, podFailurePolicy: { rules } });
      const [zero, one] = await side.running(2);
      await side.fail(one as Pod, 9);
      await side.has({ failedIndexes: '1', active: 1 });
      await side.succeed(zero as Pod);
      await side.is('Failed');
    },
  },
  'a policy of success': {
    events: ['SuccessfulCreate', 'SuccessfulDelete', 'Completed'],
    async play(side) {
      const rules = [{ succeededIndexes: '3' }, { succeededIndexes: '0-2', succeededCount: 2 }];
      await side.create({ ...indexed, completions: 4, parallelism: 4, successPolicy: { rules } });
      const [zero, , two] = await side.running(4);
      await side.succeed(zero as Pod);
      await side.has({ completedIndexes: '0' });
      await side.succeed(two as Pod);
      await side.is('Complete');
    },
  },
  'a pod that ends slowly is not replaced before': {
    events: ['SuccessfulCreate', 'Completed'],
    async play(side) {
      const finalizers = ['example.com/slow'];
      await side.create({ podReplacementPolicy: 'Failed', template: { metadata: { finalizers } } });
      const [first] = await side.running(1);
      await side.deletePod(first as Pod);
      await side.has({ active: 0, terminating: 1 });
      await side.fail(first as Pod);
      await side.has({ failed: 1 });
      const [second] = await side.running(1);
      await side.succeed(second as Pod);
      await side.is('Complete');
    },
  },
  'labels that no longer fit': {
    events: ['SuccessfulCreate'],
    async play(side) {
      const labels = { of: side.name };
      await side.create({
        manualSelector: true,
        selector: { matchLabels: { app: side.name } },
        template: { metadata: { labels: { ...labels, app: side.name } } },
      });
      const [first] = await side.running(1);
      await side.label(first as Pod, { app: 'other' });
      await side.running(2);
      await side.has({ active: 1 });
    },
  },
  'a pod that is adopted': {
    events: ['Completed'],
    async play(side) {
      const labels = { of: side.name, app: side.name };
      const spec = { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'i:1' }] };
      await side.createPod({ metadata: { name: `${side.name}-alone`, labels }, spec });
      await side.create({ manualSelector: true, selector: { matchLabels: { app: side.name } }, template: { metadata: { labels } } });
      await side.has({ active: 1 });
      const [pod] = await side.running(1);
      await side.succeed(pod as Pod);
      await side.is('Complete');
    },
  },
  'gone two seconds after its end': {
    events: ['SuccessfulCreate', 'Completed'],
    async play(side) {
      await side.create({ ttlSecondsAfterFinished: 2 });
      const [pod] = await side.running(1);
      await side.succeed(pod as Pod);
      await side.is('Complete');
      await side.gone();
    },
  },
  'looked after by others': {
    events: [],
    async play(side) {
      await side.create({ managedBy: 'example.com/nobody' });
    },
  },
  'deleted in the background': {
    events: ['SuccessfulCreate'],
    async play(side) {
      await side.create({ parallelism: 2, completions: 2 });
      await side.running(2);
      await side.delete('Background');
      await side.gone();
    },
  },
  'deleted in the foreground': {
    events: ['SuccessfulCreate'],
    async play(side) {
      await side.create({});
      await side.running(1);
      await side.delete('Foreground');
      await side.gone();
    },
  },
  'deleted without its pods': {
    events: ['SuccessfulCreate'],
    async play(side) {
      await side.create({});
      await side.running(1);
      await side.delete('Orphan');
      await side.gone();
    },
  },
};
