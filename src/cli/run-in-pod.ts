/**
 * Runs a script in a pod of its own, a Job of the image that functions have: its output comes here, and nothing of it stays. On one
 * machine the pod is given the platform's own kubeconfig; on Kubernetes it is whoever its service account is.
 */
import { nameSuffix } from '../base/ids.ts';
import { TsumugiError } from '../base/errors.ts';
import { stopEsbuild } from '../build/esbuild.ts';
import { bundleScript } from '../build/script.ts';
import { KubeNamespace } from '../client/kube/namespace.ts';
import type { NewObject } from '../client/kube/objects.ts';
import { objectPath, query } from '../kube/http/paths.ts';
import { packageVersion } from '../processes/version.ts';
import { pods } from '../resources/resources.ts';
import type { Connection } from '../kube/connection.ts';
import { type Job, jobNameLabel } from '../resources/builtin/job/types.ts';
import type { Pod } from '../resources/builtin/pod-types.ts';
import { isNotFound, type OwnerReference } from '../resources/object.ts';
import type { Platform } from './platform.ts';

export interface InPodOptions {
  /** Absent: that of functions. */
  readonly image?: string;
  readonly serviceAccount?: string;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** What it writes, as it comes. */
  readonly write: (chunk: Uint8Array) => void;
  /** What it waits for, where it does. */
  readonly tell: (message: string) => void;
}

/** What a ConfigMap takes, less its frame. */
const mostBytes = 1_000_000;
/** If this process is killed, what it made is gone so long after the script's end; s. */
const forgottenAfter = 300;
const folder = { script: '/script', kubeconfig: '/kubeconfig' } as const;

/** Answers the exit code of its process. Throws where it cannot run. */
export async function runInPod(platform: Platform, file: string, args: readonly string[], options: InPodOptions): Promise<number> {
  const data = await scriptData(file);
  const here = new KubeNamespace(platform.kube, platform.namespace);
  const name = `script-${nameSuffix()}`;
  const kubeconfig = await kubeconfigFor(platform);
  // It starts once all is there that goes with it.
  const { metadata } = await here.createJob(jobOf(name, args, kubeconfig !== undefined, options));
  try {
    const ownerReferences: OwnerReference[] = [{ apiVersion: 'batch/v1', kind: 'Job', name, uid: metadata.uid ?? '' }];
    await here.createConfigMap({ metadata: { name, ownerReferences }, data });
    if (kubeconfig !== undefined) await here.createSecret({ metadata: { name, ownerReferences }, stringData: { config: kubeconfig } });
    await here.patchJob(name, { type: 'merge', body: { spec: { suspend: false } } });
    return await follow(platform, here, name, options);
  } finally {
    await here.deleteJob(name).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }
}

/** With its source map where both fit. */
async function scriptData(file: string): Promise<Record<string, string>> {
  const { code, map } = await bundleScript(file);
  await stopEsbuild();
  const whole = { 'script.mjs': code, 'script.mjs.map': map };
  if (Buffer.byteLength(code + map) <= mostBytes) return whole;
  const bytes = Buffer.byteLength(code);
  if (bytes <= mostBytes) return { 'script.mjs': code };
  throw new TsumugiError('TooLarge', `${file} has ${Math.ceil(bytes / 1024)} KiB with what it imports, more than a ConfigMap takes`, {
    hint: 'import less, or run it here: without --in-pod',
  });
}

/** Of the platform on one machine, which its own kubeconfig names. Undefined: on Kubernetes. */
async function kubeconfigFor({ connection, namespace }: Pick<Platform, 'connection' | 'namespace'>): Promise<string | undefined> {
  const ours = connection.extensions?.['tsumugi.dev'];
  if (ours === undefined) return undefined;
  const { token } = await connection.credentials();
  return kubeconfigOf(connection, namespace, token ?? '', ours);
}

function kubeconfigOf({ server, ca }: Connection, namespace: string, token: string, extension: unknown): string {
  const name = 'tsumugi';
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name,
        cluster: {
          server,
          ...(ca !== undefined && { 'certificate-authority-data': Buffer.from(ca).toString('base64') }),
          extensions: [{ name: 'tsumugi.dev', extension }],
        },
      },
    ],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
    'current-context': name,
  });
}

function jobOf(name: string, args: readonly string[], hasKubeconfig: boolean, { image, serviceAccount }: InPodOptions): NewObject<Job> {
  const volumes = [
    { name: 'script', configMap: { name } },
    ...(hasKubeconfig ? [{ name: 'kubeconfig', secret: { secretName: name } }] : []),
  ];
  return {
    metadata: { name, labels: { 'tsumugi.dev/script': name } },
    spec: {
      suspend: true,
      backoffLimit: 0,
      ttlSecondsAfterFinished: forgottenAfter,
      template: {
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: 5,
          ...(serviceAccount !== undefined && { serviceAccountName: serviceAccount }),
          containers: [
            {
              name: 'script',
              // On one machine the name alone is enough.
              image: image ?? (hasKubeconfig ? 'tsumugi/node' : `tsumugi/node:${packageVersion()}`),
              args: [`--script=${folder.script}/script.mjs`, ...args],
              ...(hasKubeconfig && { env: [{ name: 'KUBECONFIG', value: `${folder.kubeconfig}/config` }] }),
              volumeMounts: volumes.map((volume) => ({ name: volume.name, mountPath: folder[volume.name as keyof typeof folder] })),
            },
          ],
          volumes,
        },
      },
    },
  };
}

/** From its pod's start to its end. */
async function follow({ kube }: Platform, here: KubeNamespace, name: string, { signal, write, tell }: InPodOptions): Promise<number> {
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  let told = '';
  let logged: Promise<void> | undefined;
  const copyLog = async ({ metadata }: Pod): Promise<void> => {
    const path = objectPath(pods, { namespace: here.name, name: metadata.name }, 'log') + query({ follow: true });
    for await (const chunk of await kube.open(path, { signal })) write(chunk);
  };
  try {
    // A server ends each watch some time.
    while (!signal.aborted) {
      for await (const { object: pod } of here.watchPods({ labelSelector: `${jobNameLabel}=${name}` }, until)) {
        const { waiting, running, terminated } = pod.status?.containerStatuses?.[0]?.state ?? {};
        const waits = [waiting?.reason, waiting?.message].filter(Boolean).join(': ');
        if (hopeless.test(waits)) throw new TsumugiError('Unavailable', `its pod cannot start: ${waits}`, { hint: 'say another --image' });
        if (waits !== '' && waits !== told && !passing.test(waits)) tell(`its pod waits: ${waits}`);
        told = waits;
        if (running || terminated) logged ??= copyLog(pod);
        if (!terminated && pod.status?.phase !== 'Failed') continue;
        await logged;
        if (terminated) return terminated.exitCode;
        throw new TsumugiError('Unavailable', `its pod failed: ${pod.status?.message ?? pod.status?.reason ?? 'it was evicted'}`);
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    over.abort();
  }
  // As a shell says it of SIGINT.
  return 130;
}

/** What does not pass by itself, or has been tried more than once. */
const hopeless = /^(ImageUnavailable|ImagePullBackOff|InvalidImageName|ErrImageNeverPull)/;
/** What every pod waits for. */
const passing = /^(ContainerCreating|PodInitializing)/;
