/** Jobs with pods that really run: the same on one machine and on a whole Kubernetes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Job, JobSpec } from '../../src/resources/builtin/job/job.ts';
import type { Container, Pod } from '../../src/resources/builtin/pod-types.ts';
import type { ObjectList } from '../../src/kube/client.ts';
import { PodsWorld } from './pods-world.ts';
import type { PodsSubstrate } from './pods-world.ts';

export function jobsSuite(where: string, open: () => Promise<PodsSubstrate>): void {
  describe(`Jobs on ${where}`, { timeout: 300_000 }, () => {
    let substrate: PodsSubstrate;
    let world: PodsWorld;

    beforeAll(async () => {
      substrate = await open();
      world = new PodsWorld(substrate, `jobs-${process.pid}`);
      await world.kubectl.ok(['create', 'namespace', world.namespace]);
    });

    afterAll(async () => {
      await world?.kubectl.run(['delete', 'namespace', world.namespace, '--timeout=60s']);
      await substrate?.close();
    });

    const run = async (name: string, script: string, spec: Partial<JobSpec> = {}, more: Partial<Container> = {}): Promise<void> => {
      const { template, ...rest } = spec;
      const usual = { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, automountServiceAccountToken: false } as const;
      const pod = { ...usual, ...template?.spec, containers: [world.container(script, more)] };
      await world.apply({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec: { ...rest, template: { spec: pod } } });
    };
    const waited = (name: string, condition: string): Promise<string> =>
      world.ok(['wait', `--for=condition=${condition}`, `job/${name}`, '--timeout=120s']);
    const statusOf = async (name: string): Promise<NonNullable<Job['status']>> => (await world.object<Job>('job', name)).status ?? {};
    const podsOf = async (name: string): Promise<readonly Pod[]> =>
      (JSON.parse(await world.ok(['get', 'pods', '-l', `job-name=${name}`, '-o', 'json'])) as ObjectList<Pod>).items;

    it('runs one pod to its end, whose log it has', async () => {
      await run('one', 'echo hello; uname -n; echo $HOSTNAME');
      expect(await waited('one', 'complete')).toBe('job.batch/one condition met\n');
      const [pod] = await podsOf('one');
      const name = pod?.metadata.name ?? '';
      expect(name).toMatch(/^one-[a-z0-9]{5}$/);
      expect((await world.ok(['logs', 'job/one'])).split('\n')).toEqual(['hello', name, name, '']);
      expect(await statusOf('one')).toMatchObject({ succeeded: 1, ready: 0, terminating: 0, uncountedTerminatedPods: {} });
      expect(pod?.metadata.finalizers).toBeUndefined();
      expect(await world.ok(['get', 'job', 'one', '--no-headers'])).toMatch(/^one +Complete +1\/1 +\d+s +\d+s\n$/);
    });

    it('gives each index its number: as variable, and as the name of its host', async () => {
      await run('counted', 'echo $JOB_COMPLETION_INDEX $(uname -n)', { completionMode: 'Indexed', completions: 4, parallelism: 2 });
      await waited('counted', 'complete');
      expect(await statusOf('counted')).toMatchObject({ succeeded: 4, completedIndexes: '0-3' });
      const said = await Promise.all((await podsOf('counted')).map(({ metadata }) => world.lines(metadata.name)));
      expect(said.flat().toSorted()).toEqual(['0 counted-0', '1 counted-1', '2 counted-2', '3 counted-3']);
    });

    it('tries again what fails, after ten seconds, and gives up at its limit', async () => {
      await run('failing', 'exit 3', { backoffLimit: 1 });
      await waited('failing', 'failed');
      const { failed, conditions } = await statusOf('failing');
      expect(failed).toBe(2);
      expect(conditions?.map(({ type, reason }) => [type, reason])).toEqual([
        ['FailureTarget', 'BackoffLimitExceeded'],
        ['Failed', 'BackoffLimitExceeded'],
      ]);
      const [first, second] = (await podsOf('failing'))
        .map(({ status }) => Date.parse(status?.containerStatuses?.[0]?.state?.terminated?.startedAt ?? ''))
        .toSorted((a, b) => a - b);
      expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(8000);
    });

    it('restarts in place where the pod says so', async () => {
      const script = 'if [ -e /work/again/x ]; then echo second; else echo first; touch /work/again/x; exit 1; fi';
      const spec = { restartPolicy: 'OnFailure', volumes: [{ name: 'kept', emptyDir: {} }] } as never;
      await run('again', script, { template: { spec } }, { volumeMounts: [{ name: 'kept', mountPath: '/work/again' }] });
      await waited('again', 'complete');
      const [pod, ...others] = await podsOf('again');
      expect([pod?.status?.containerStatuses?.[0]?.restartCount, others]).toEqual([1, []]);
      expect(await statusOf('again')).toMatchObject({ succeeded: 1 });
    });

    it('lets exit codes decide', async () => {
      const rules = [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }] as const;
      await run('decided', 'exit 42', { backoffLimit: 5, podFailurePolicy: { rules } });
      await waited('decided', 'failed');
      const [pod] = await podsOf('decided');
      const { conditions, failed } = await statusOf('decided');
      expect(failed).toBe(1);
      expect(conditions?.at(-1)).toMatchObject({
        type: 'Failed',
        reason: 'PodFailurePolicy',
        message: `Container main for pod ${world.namespace}/${pod?.metadata.name} failed with exit code 42 matching FailJob rule at index 0`,
      });
    });

    it('ends pods that run too long, by its own deadline and by theirs', async () => {
      await run('late', 'sleep 300', { activeDeadlineSeconds: 2 });
      await run('late-pod', 'sleep 300', { backoffLimit: 0, template: { spec: { activeDeadlineSeconds: 2 } as never } });
      await Promise.all([waited('late', 'failed'), waited('late-pod', 'failed')]);
      expect((await statusOf('late')).conditions?.at(-1)?.reason).toBe('DeadlineExceeded');
      expect(await podsOf('late')).toEqual([]);
      expect((await statusOf('late-pod')).conditions?.at(-1)?.reason).toBe('BackoffLimitExceeded');
      expect((await podsOf('late-pod')).map(({ status }) => [status?.phase, status?.reason])).toEqual([['Failed', 'DeadlineExceeded']]);
    });

    it('is suspended and goes on', async () => {
      await run('resting', 'if [ -e /nothing ]; then exit 1; fi; sleep 2', { completions: 2, parallelism: 2 });
      await world.ok(['wait', '--for=jsonpath={.status.ready}=2', 'job/resting', '--timeout=60s']);
      await world.ok(['patch', 'job', 'resting', '--type=merge', '-p', '{"spec":{"suspend":true}}']);
      await waited('resting', 'suspended');
      await world.ok(['wait', '--for=delete', 'pods', '-l', 'job-name=resting', '--timeout=60s']);
      await world.ok(['patch', 'job', 'resting', '--type=merge', '-p', '{"spec":{"suspend":false}}']);
      await waited('resting', 'complete');
      expect(await statusOf('resting')).toMatchObject({ succeeded: 2 });
    });

    it('takes its pods along', async () => {
      await run('leaving', 'sleep 300', { completions: 2, parallelism: 2 });
      await world.ok(['wait', '--for=jsonpath={.status.ready}=2', 'job/leaving', '--timeout=60s']);
      await world.ok(['delete', 'job', 'leaving', '--cascade=foreground', '--timeout=60s']);
      expect(await podsOf('leaving')).toEqual([]);
    });
  });
}
