/**
 * After a restart of the control plane: what runs on the host is matched to the pods that should run.
 * What belongs to no pod is killed, folders of nothing are removed.
 */
import { existsSync } from 'node:fs';
import { readdir, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import type { Isolation, Place } from './isolation/isolation.ts';
import { removeTree } from './isolation/place-folder.ts';
import { firstSlot, memoryFolder, podFolder, podsFolder, podSocketPath, volumesFolder } from './paths.ts';
import type { HostedProcess, ProcessHost } from './process-host.ts';

export interface Adopted {
  readonly process: HostedProcess | undefined;
  readonly place: Place | undefined;
}

export interface Survivors {
  /** Of a pod's container, by its slot; `hasBegun`: it ran once, by what is known of it. */
  of(pod: Pod, slot: string, hasBegun: boolean): Promise<Adopted>;
  /** Kills and removes what nobody asked for. */
  sweep(): Promise<void>;
}

export async function findSurvivors(host: ProcessHost, isolation: Isolation, runFolder: string): Promise<Survivors> {
  const processes = new Map((await host.list()).map((process) => [process.id, process]));
  const kept = new Set<string>();
  const claimed = new Set<string>();

  async function of(pod: Pod, slot: string, hasBegun: boolean): Promise<Adopted> {
    const uid = pod.metadata.uid as string;
    const folder = podFolder(runFolder, uid);
    // A blank process that became this pod: its folder has the pod's name as a link.
    const blank = await readlink(folder).catch(() => undefined);
    const isFirst = slot === firstSlot;
    const placeId = isFirst ? (blank ?? basename(folder)) : `${basename(folder)}.${slot}`;
    const process = blank === undefined || !isFirst ? lastRun([...processes.values()], `${uid}.${slot}.`) : processes.get(blank);
    // A shim may be an instance before its pod's status is stored. As long as its socket is not in its place, nobody can have used it,
    // and it may not have been told its pod: a new one is sure.
    if (
      isFirst &&
      blank !== undefined &&
      (pod.status?.phase ?? 'Pending') === 'Pending' &&
      !process?.exit &&
      !existsSync(podSocketPath(runFolder, uid))
    )
      return { process: undefined, place: undefined };
    // What was being made for it may be made by halves.
    if (!process && !hasBegun) return { process: undefined, place: undefined };
    kept.add(placeId).add(basename(folder));
    if (process) claimed.add(process.id);
    return { process, place: await isolation.adopt(placeId) };
  }

  async function sweep(): Promise<void> {
    const unclaimed = [...processes.values()].filter(({ id }) => !claimed.has(id));
    for (const { id, exit } of unclaimed) if (exit) host.forget(id);
    await Promise.all(unclaimed.filter(({ exit }) => !exit).map(({ id }) => killed(host, id)));
    await sweepVolumes();
    const names = await readdir(podsFolder(runFolder)).catch(() => []);
    for (const name of names) {
      if (kept.has(name)) continue;
      const place = await isolation.adopt(name);
      await place?.remove();
      // A link to a place that is gone.
      await removeTree(join(podsFolder(runFolder), name));
    }
    isolation.sweep();
  }

  /** Volumes of pods that are no more. */
  async function sweepVolumes(): Promise<void> {
    for (const folder of [volumesFolder(runFolder), memoryFolder(runFolder)]) {
      const names = await readdir(folder).catch(() => []);
      await Promise.all(names.filter((name) => !kept.has(name)).map((name) => removeTree(join(folder, name))));
    }
  }

  return { of, sweep };
}

/** The youngest of a container's runs: the ids end with the number of restarts. */
function lastRun(processes: readonly HostedProcess[], prefix: string): HostedProcess | undefined {
  const runs = processes.filter(({ id }) => id.startsWith(prefix));
  return runs.toSorted((left, right) => Number(right.id.slice(prefix.length)) - Number(left.id.slice(prefix.length)))[0];
}

function killed(host: ProcessHost, id: string): Promise<void> {
  return new Promise((resolve) => {
    const stop = host.subscribe((event) => {
      if (event.type !== 'exit' || event.id !== id) return;
      stop();
      host.forget(id);
      resolve();
    });
    host.signal(id, 'SIGKILL');
  });
}
