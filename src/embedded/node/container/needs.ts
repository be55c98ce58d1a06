/** What a container needs before a place is taken for it. */
import type { Container, Pod } from '../../../resources/builtin/pod-types.ts';
import { type ImageKind, resolveImage } from '../images.ts';
import type { NodeContext } from '../node-context.ts';
import { type ContainerMount, containerMounts } from '../volumes/container-mounts.ts';
import type { PodVolumes } from '../volumes/pod-volumes.ts';
import { ConfigReader, ContainerConfigError, containerEnv } from './env.ts';

export interface Needs {
  readonly image: Exclude<ImageKind, { readonly kind: 'unavailable' }>;
  readonly env: Record<string, string>;
  readonly mounts: readonly ContainerMount[];
  readonly volumes: Awaited<ReturnType<PodVolumes['find']>>;
  readonly owner: number | undefined;
}

/** This node will never run it; `reason` is that of its waiting. */
export class CannotRun extends Error {
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Throws CannotRun, and MountError or ContainerConfigError for what may still come. */
export async function findNeeds(
  { isolation, shims, version, client }: NodeContext,
  pod: Pod,
  container: Container,
  podVolumes: PodVolumes,
): Promise<Needs> {
  const image = resolveImage(container.image, shims, version);
  if (image.kind === 'unavailable') throw new CannotRun('ImageUnavailable', image.message);
  if (container.restartPolicy !== undefined)
    throw new ContainerConfigError('this node runs no sidecars: an init container may not have a restartPolicy');
  const volumes = await podVolumes.find(pod);
  const env = await containerEnv(pod, container, new ConfigReader(client, pod.metadata.namespace ?? 'default'));
  const mounts = containerMounts(pod, container, env);
  const foreign = mounts.filter(({ given }) => given === undefined);
  if (foreign.length > 0 && !isolation.canMount) {
    const paths = foreign.map(({ target }) => target).join(', ');
    throw new CannotRun(
      'IsolationUnavailable',
      `volumes at ${paths} need a sandbox, which does not work on this machine (only /work, /tmp, /secrets and /configs do not)`,
    );
  }
  return { image, env, mounts, volumes, owner: await podVolumes.owner(pod) };
}
