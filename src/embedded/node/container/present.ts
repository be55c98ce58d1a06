import type { Container, Pod } from '../../../resources/builtin/pod-types.ts';
import type { Bind, Place } from '../isolation/isolation.ts';
import type { NodeContext } from '../node-context.ts';
import type { ProcessExit } from '../process-host.ts';
import type { PodVolumes } from '../volumes/pod-volumes.ts';
import { messageBind } from './message.ts';
import type { Needs } from './needs.ts';

/** What of a container is on the host at this moment. */
export interface Present {
  place: Place | undefined;
  /** Of its process, or of the last one. */
  id: string | undefined;
  /** Of the process that the host knows; the program's own where it is not nested. */
  pid: number;
  startedAt: number;
  /** The run with which the place began: a shim gets a new one each time. */
  firstRun: number;
  /** Processes that had been killed in the place for want of memory when this one began. */
  oomBefore: number;
}

export interface StartOptions {
  readonly node: NodeContext;
  readonly pod: Pod;
  readonly spec: Container;
  /** Among the pod's containers: see `firstSlot`. */
  readonly slot: string;
  readonly volumes: PodVolumes;
  readonly exited: (exit: ProcessExit) => void;
}

/** The program of a container could not be started: no such file, not executable. */
export class StartError extends Error {}

/** Fills the container's volumes; answers what is to be seen in the place. */
export async function bindsOf({ node, spec, volumes }: StartOptions, place: Place, needs: Needs): Promise<readonly Bind[]> {
  const message = node.isolation.canMount ? messageBind(spec, place.folder) : [];
  return [...(await volumes.fill(place, needs.mounts, needs.volumes)), ...message];
}

/** At most 63 characters of it, as a host's name may have. */
export function hostnameOf({ metadata, spec }: Pod): string {
  return (spec.hostname ?? metadata.name).slice(0, 63).replace(/[-.]+$/, '');
}
