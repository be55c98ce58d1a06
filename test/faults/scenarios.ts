/** What is broken, under load. Each leaves a platform that mends itself: the next begins when that is done. */
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Pod } from '../../src/resources/builtin/pod-types.ts';
import { pods } from '../../src/resources/resources.ts';
import { eventually } from '../e2e/platform.ts';
import type { FaultPlatform } from './platform.ts';
import { processesOf, signalPod } from './processes.ts';
import type { Killed, NoPods } from './verdict.ts';

export interface Broken {
  /** What went with it. */
  readonly killed: readonly Killed[];
  readonly noPods?: NoPods;
  /** What was seen beside the requests, for the table. */
  readonly seen?: string;
}

export interface Scenario {
  readonly name: string;
  /** Load goes on for so long after the fault is over. */
  readonly secondsAfter: number;
  readonly short?: true;
  /** Absent: it can be done on any cluster. */
  readonly needs?: 'restart' | 'database';
  /** Resolves when the fault is over, not when all is mended. */
  readonly fault: (platform: FaultPlatform) => Promise<Broken>;
}

const uidOf = (pod: Pod | undefined): string => pod?.metadata.uid ?? '';
const run = promisify(execFile);

/** One instance of each of these functions. */
function instancesOf({ pods: all, namespace }: FaultPlatform, ...names: string[]): readonly Pod[] {
  return names.map((name) => {
    const pod = all
      .list(namespace)
      .find(
        ({ metadata, status }) =>
          metadata.labels?.['tsumugi.dev/function'] === name && status?.phase === 'Running' && !metadata.deletionTimestamp,
      );
    if (!pod) throw new Error(`no instance of ${name} runs`);
    return pod;
  });
}

async function anotherLeads(platform: FaultPlatform, epoch: number): Promise<string> {
  const from = performance.now();
  await eventually('another leads', async () => (await platform.leader()).epoch > epoch, 60);
  return `another led after ${((performance.now() - from) / 1000).toFixed(0)} s`;
}

/** Containers of the controllers that have been started, in all, and those that are ready. */
function controllers(platform: FaultPlatform): { readonly started: number; readonly ready: number } {
  const containers = platform.componentPods('controller').flatMap(({ status }) => status?.containerStatuses ?? []);
  return {
    started: containers.reduce((sum, { restartCount }) => sum + 1 + restartCount, 0),
    ready: containers.filter(({ ready }) => ready).length,
  };
}

const seconds = (from: number, to = performance.now()): string => `${((to - from) / 1000).toFixed(1)} s`;

/** First of those that end them: the kubelet starts a container anew at once, but later each time. */
const controllersKilled: Scenario = {
  name: 'all controllers killed (SIGKILL)',
  secondsAfter: 10,
  fault: async (platform) => {
    const from = performance.now();
    const { started } = controllers(platform);
    for (const pod of platform.componentPods('controller')) signalPod(uidOf(pod), 'SIGKILL');
    const areBack = (): boolean => controllers(platform).started === started + 2 && controllers(platform).ready === 2;
    await eventually('both controllers are ready again', areBack, 90);
    return { killed: [], seen: `both were ready again after ${seconds(from)}` };
  },
};

const gatewayKilled: Scenario = {
  name: 'a gateway killed (SIGKILL)',
  secondsAfter: 8,
  short: true,
  fault: async (platform) => {
    const [pod] = platform.componentPods('gateway');
    const at = signalPod(uidOf(pod), 'SIGKILL');
    return { killed: [{ at, gateway: `${pod?.status?.podIP}:8080` }] };
  },
};

const leaderKilled: Scenario = {
  name: 'the leading controller killed (SIGKILL)',
  secondsAfter: 8,
  short: true,
  fault: async (platform) => {
    const { pod, epoch } = await platform.leader();
    signalPod(uidOf(pod), 'SIGKILL');
    return { killed: [], seen: await anotherLeads(platform, epoch) };
  },
};

const standbyKilled: Scenario = {
  name: 'the standby controller killed (SIGKILL)',
  secondsAfter: 10,
  fault: async (platform) => {
    const { pod, epoch } = await platform.leader();
    signalPod(uidOf(platform.componentPods('controller').find((each) => uidOf(each) !== uidOf(pod))), 'SIGKILL');
    await sleep(5000);
    const after = await platform.leader();
    return { killed: [], seen: after.epoch === epoch ? 'the leader went on' : 'the leader changed' };
  },
};

const podsKilled: Scenario = {
  name: 'two instances killed (SIGKILL)',
  secondsAfter: 8,
  short: true,
  fault: async (platform) => ({
    killed: instancesOf(platform, 'slow', 'stream').map((pod) => ({ at: signalPod(uidOf(pod), 'SIGKILL'), pod: pod.metadata.name })),
  }),
};

const podsDeleted: Scenario = {
  name: 'two instances deleted (`kubectl delete pod`)',
  secondsAfter: 10,
  fault: async (platform) => {
    await Promise.all(
      instancesOf(platform, 'slow', 'stream').map(({ metadata: { name, namespace = '' } }) =>
        platform.client.delete(pods, { namespace, name }),
      ),
    );
    return { killed: [] };
  },
};

const apiAway: Scenario = {
  name: 'the API server away for 20 s (SIGKILL)',
  secondsAfter: 15,
  needs: 'restart',
  fault: async ({ client, pods: known, namespace }) => {
    const [program = '', ...args] = (process.env['TSUMUGI_TEST_CLUSTER_RESTART'] ?? '').split(' ');
    const pool = known
      .list(namespace)
      .filter(isWarm)
      .map(({ metadata }) => metadata.name);
    // Nothing can be made while it is away.
    const away = Date.now() + 5000;
    const young = (): readonly Pod[] => known.list(namespace).filter(({ metadata }) => Date.parse(metadata.creationTimestamp ?? '') > away);
    const from = performance.now();
    await run(program, [...args, 'kube-apiserver', '20']);
    await eventually('the API server answers', async () => (await client.raw('/readyz')) === 'ok', 30);
    const back = performance.now();
    await eventually('pods are asked for', () => young().length > 0, 10);
    const asked = performance.now();
    // Kubernetes' own programs look again after up to a minute: client-go doubles its delays to 30 s, and lengthens them at random.
    await eventually('the scheduler has found a node', () => young().some(({ spec }) => spec.nodeName), 120);
    const scheduled = performance.now();
    await eventually('the kubelet has started it', () => young().some(({ status }) => status?.phase === 'Running'), 120);
    const to = performance.now();
    const times = [seconds(from, back), seconds(back, asked), seconds(asked, scheduled), seconds(scheduled, to)];
    const seen = `away for ${times[0]}; ${times[1]} later pods were asked for, ${times[2]} later Kubernetes' scheduler took the first, ${times[3]} later the kubelet had started it`;
    return { killed: [], noPods: { from, back, to, pool }, seen };
  },
};

/** Generic, and ready for so long that every controller knows it. */
function isWarm({ metadata, status }: Pod): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const since = Date.now() - Date.parse(ready?.lastTransitionTime ?? '');
  return metadata.labels?.['tsumugi.dev/function'] === undefined && !metadata.deletionTimestamp && ready?.status === 'True' && since > 2000;
}

const databaseAway: Scenario = {
  name: 'PostgreSQL away for 20 s (crashed)',
  secondsAfter: 10,
  needs: 'database',
  fault: async ({ database }) => {
    await database?.stop('immediate');
    await sleep(20_000);
    await database?.start();
    return { killed: [] };
  },
};

const upgrade: Scenario = {
  name: 'a rolling upgrade of controllers and gateways',
  secondsAfter: 5,
  fault: async (platform) => {
    const before = new Set([...platform.componentPods('gateway'), ...platform.componentPods('controller')].map(uidOf));
    const from = performance.now();
    await platform.rollingUpgrade();
    const kept = [...platform.componentPods('gateway'), ...platform.componentPods('controller')].filter((pod) => before.has(uidOf(pod)));
    if (kept.length > 0) throw new Error(`${kept.length} pods were not replaced`);
    return { killed: [], seen: `${before.size} pods replaced in ${((performance.now() - from) / 1000).toFixed(0)} s` };
  },
};

const leaderStopped: Scenario = {
  name: 'the leader stopped for 20 s, past its Lease (SIGSTOP, SIGCONT)',
  secondsAfter: 15,
  fault: async (platform) => {
    const { pod, epoch } = await platform.leader();
    const processes = processesOf(uidOf(pod));
    signalPod(uidOf(pod), 'SIGSTOP');
    await sleep(20_000);
    const { epoch: next } = await platform.leader();
    if (next !== epoch + 1) throw new Error(`the lease's epoch went from ${epoch} to ${next} while its holder was stopped`);
    signalPod(uidOf(pod), 'SIGCONT');
    await eventually('the deposed leader has ended', () => !processesOf(uidOf(pod)).some((pid) => processes.includes(pid)), 20);
    return { killed: [], seen: 'the deposed leader ended when it went on' };
  },
};

const nothing: Scenario = {
  name: 'nothing, for comparison',
  secondsAfter: 15,
  fault: async () => ({ killed: [] }),
};

export const scenarios: readonly Scenario[] = [
  nothing,
  controllersKilled,
  gatewayKilled,
  leaderKilled,
  standbyKilled,
  podsKilled,
  podsDeleted,
  databaseAway,
  apiAway,
  upgrade,
  leaderStopped,
];
