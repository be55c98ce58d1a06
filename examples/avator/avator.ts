/**
 * A self-made runner: puts a script into a ConfigMap, runs it as a batch/v1 Job of one pod, tells each change of its status, and takes
 * both away when it succeeded. When it failed they stay, to be looked at.
 *
 *   tsumugi deploy examples/avator/avator.ts --permission jobs --permission configmaps
 *   tsumugi call avator '"test"' '"console.log(await Promise.resolve(1 + 1))"'
 *   tsumugi logs avator
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Kube } from 'tsumugi/client';

export async function avator(name: string, script: string): Promise<'succeeded' | 'failed'> {
  const here = (await Kube.load()).namespace();
  const configMap = `${name}-configmap`;

  // What the pod is to run.
  await here.createConfigMap({ metadata: { name: configMap }, data: { [name]: script } });
  console.log(`ConfigMap:${configMap} created`);

  await here.createJob({
    metadata: { name },
    spec: {
      backoffLimit: 0,
      template: {
        spec: {
          restartPolicy: 'Never',
          containers: [
            {
              name: 'runner',
              // The image that this function runs in: it runs scripts, too.
              image: process.env['TSUMUGI_IMAGE'] ?? '',
              args: [`--script=/config/${name}`],
              volumeMounts: [{ name: 'config', mountPath: '/config' }],
            },
          ],
          volumes: [{ name: 'config', configMap: { name: configMap } }],
        },
      },
    },
  });

  for (let seen = ''; ; await sleep(500)) {
    const [job] = await here.listJobs(name);
    const { active, ready, startTime, completionTime, succeeded, failed, conditions } = job?.status ?? {};
    const status = JSON.stringify({ active, ready, startTime, completionTime, succeeded, failed, conditions }, undefined, 4);
    if (status !== seen) console.log(`Job:${name}\n${status}`);
    seen = status;
    // The last word on it, after which nothing changes.
    const last = conditions?.find(({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True');
    if (!last) continue;
    console.log(`Job:${name} Done.`);
    if (last.type === 'Failed') {
      console.log('Job execution error occurred');
      return 'failed';
    }
    await here.deleteJob(name);
    console.log(`Job:${name} deleted`);
    await here.deleteConfigMap(configMap);
    console.log(`ConfigMap:${configMap} deleted`);
    return 'succeeded';
  }
}
