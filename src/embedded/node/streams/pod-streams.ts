/** What the API lets clients do in pods that run here. */
import { randomBytes } from 'node:crypto';
import { toError } from '../../../base/errors.ts';
import { ApiError } from '../../../resources/object.ts';
import type { KubeObject } from '../../../resources/object.ts';
import type { PodStreamAccess } from '../../api/pod-access.ts';
import type { ContainerRun } from '../container/container-run.ts';
import type { PodRun } from '../pod-run.ts';
import { attach } from './attach.ts';
import { ExecError, execute } from './exec.ts';
import { connectToPod } from './port.ts';

/** `offer`: the path of a socket to a process's stdio. */
export function podStreams(runOf: (uid: string) => PodRun | undefined, offer: (processId: string) => Promise<string>): PodStreamAccess {
  /** Throws an ApiError in the kubelet's words. */
  const runningContainer = (pod: KubeObject, name: string): NonNullable<ContainerRun['running']> & Pick<ContainerRun, 'spec'> => {
    const container = runOf(pod.metadata.uid ?? '')?.containers.find(({ spec }) => spec.name === name);
    const running = container?.running;
    if (!running) throw failure(`unable to upgrade connection: container not found (${JSON.stringify(name)})`);
    return { ...running, spec: container.spec };
  };

  return {
    async exec(pod, request) {
      const { place, pid, spec } = runningContainer(pod, request.container);
      try {
        if (request.command.length === 0) throw new ExecError('args must not be empty');
        const entry = await place.enter(pid);
        return await execute({ command: request.command, entry, cwd: spec.workingDir ?? entry.cwd, folder: place.folder }, request);
      } catch (error) {
        throw failure(refusal(toError(error).message));
      }
    },
    async attach(pod, request) {
      const { place, pid, processId, spec } = runningContainer(pod, request.container);
      try {
        const entry = await place.enter(pid);
        // What has no stdin is not told what the client types, and what has no terminal knows no size.
        const streams = { ...request, tty: request.tty && spec.tty === true };
        await attach({ path: await offer(processId), entry, stdinOnce: spec.stdinOnce === true }, streams);
      } catch (error) {
        throw failure(`error attaching to container: ${toError(error).message}`);
      }
    },
    connect(pod, port) {
      const containers = runOf(pod.metadata.uid ?? '')?.containers ?? [];
      const pids = containers.flatMap(({ running }) => (running ? [running.pid] : []));
      if (pids.length === 0) return Promise.reject(new Error('no container of the pod runs'));
      return connectToPod(pids, port);
    },
  };
}

/** As a kubelet and its container runtime say it: scripts look for these words. */
const refusal = (why: string): string => {
  const id = randomBytes(32).toString('hex');
  return `error executing command in container: failed to exec in container: failed to start exec "${id}": OCI runtime exec failed: exec failed: unable to start container process: ${why}: unknown`;
};

const failure = (why: string): ApiError =>
  new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `Internal error occurred: Internal error occurred: ${why}`,
    reason: 'InternalError',
    details: { causes: [{ message: `Internal error occurred: ${why}` }] },
    code: 500,
  });
