/**
 * The volumes of one pod: found before anything of it starts, filled where its containers see them, kept up to date while it runs,
 * and gone with it. What it does it may do again: after a restart of the control plane it finds its folders.
 */
import { existsSync, statSync } from 'node:fs';
import { chmod, mkdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { toError } from '../../../base/errors.ts';
import type { Pod, Volume } from '../../../resources/builtin/pod-types.ts';
import { ContainerConfigError } from '../container/env.ts';
import { findInside } from '../isolation/inside.ts';
import type { Bind, Place } from '../isolation/isolation.ts';
import { removeTree } from '../isolation/place-folder.ts';
import type { NodeContext } from '../node-context.ts';
import { memoryFolder, volumesFolder } from '../paths.ts';
import type { ContainerMount } from './container-mounts.ts';
import { isFilled, volumeFiles } from './content.ts';
import type { VolumeFiles } from './content.ts';
import { overLimit } from './empty-dirs.ts';
import { openHostPath } from './host-path.ts';
import { MountError } from './mount-error.ts';
import { writePayload } from './payload.ts';
import { TokenSource } from './tokens.ts';

/** What is to be mounted: files that are still to be written, or a folder (or a file) that is there. */
type Source = { readonly files: VolumeFiles } | { readonly path: string };

/** Files of the API in a folder. */
interface Copy {
  readonly volume: string;
  /** Whose they are. */
  readonly owner: number | undefined;
  /** The program sees them where it may write: they themselves must say that it may not. */
  readonly isOpen: boolean;
}

export class PodVolumes {
  readonly #node: NodeContext;
  readonly #uid: string;
  readonly #hasAny: boolean;
  /** Between several containers. */
  readonly #isShared: boolean;
  readonly #tokens: TokenSource;
  /** Folder with files of the API -> whose they are. */
  readonly #copies = new Map<string, Copy>();
  #owner: Promise<number | undefined> | undefined;
  #dueAt = 0;

  constructor(node: NodeContext, pod: Pod) {
    this.#node = node;
    this.#uid = pod.metadata.uid as string;
    this.#hasAny = (pod.spec.volumes?.length ?? 0) > 0;
    this.#isShared = pod.spec.containers.length + (pod.spec.initContainers?.length ?? 0) > 1;
    this.#tokens = new TokenSource(node.client);
  }

  /** The uid that all containers must have, as they share files among them or with other pods; undefined: each one of its own. */
  owner(pod: Pod): Promise<number | undefined> {
    this.#owner ??= this.#chooseOwner(pod);
    return this.#owner;
  }

  async #chooseOwner({ spec, metadata }: Pod): Promise<number | undefined> {
    if (spec.volumes?.some((volume) => volume.persistentVolumeClaim)) return this.#node.claims.owner(metadata.namespace ?? '');
    return this.#isShared ? this.#node.isolation.reserveOwner(this.#uid) : undefined;
  }

  /** It ran before this control plane did. */
  adopt(place: Place, mounts: readonly ContainerMount[]): void {
    if (this.#isShared) this.#owner = Promise.resolve(place.owner);
    for (const mount of mounts) if (isFilled(mount.volume)) this.#remember(mount, place);
  }

  /** All that the pod's volumes name must be there. Throws MountError. */
  async find(pod: Pod): Promise<ReadonlyMap<string, Source>> {
    const found = new Map<string, Source>();
    for (const volume of pod.spec.volumes ?? []) {
      found.set(
        volume.name,
        await this.#find(pod, volume).catch((error: unknown) => {
          throw new MountError(`MountVolume.SetUp failed for volume "${volume.name}" : ${toError(error).message}`);
        }),
      );
    }
    return found;
  }

  async #find(pod: Pod, volume: Volume): Promise<Source> {
    const { claims, hidden, client } = this.#node;
    const namespace = pod.metadata.namespace ?? '';
    if (isFilled(volume)) return { files: await volumeFiles(pod, volume, client, this.#tokens) };
    if (volume.emptyDir) return { path: this.#emptyFolder(volume) };
    if (volume.hostPath) return { path: await openHostPath(volume.hostPath.path, volume.hostPath.type ?? '', hidden) };
    if (!volume.persistentVolumeClaim) throw new MountError(`this node has no volumes of that kind (${Object.keys(volume).join(', ')})`);
    const { path, type, isOurs } = await claims.find(namespace, volume.persistentVolumeClaim.claimName);
    if (!isOurs) return { path: await openHostPath(path, type, hidden, await claims.owner(namespace)) };
    await claims.open(namespace, path);
    return { path };
  }

  /** Makes what the mounts of a container need; answers what is to be bound into its place. */
  async fill(place: Place, mounts: readonly ContainerMount[], found: ReadonlyMap<string, Source>): Promise<readonly Bind[]> {
    const binds: Bind[] = [];
    for (const mount of mounts) {
      const { volume, target, readOnly, given } = mount;
      const source = found.get(volume.name) as Source;
      if (given === '') continue;
      if ('files' in source) {
        const folder = this.#folderOf(mount, place);
        await mkdir(dirname(folder), { recursive: true });
        await write(folder, source.files, this.#remember(mount, place));
        if (given === undefined) binds.push({ target, readOnly, ...(await inFiles(folder, mount)) });
        continue;
      }
      if (volume.emptyDir) await makeSharedFolder(source.path);
      binds.push({ target, readOnly, ...inFolder(source.path, mount) });
    }
    return binds;
  }

  /** Files of the API again, where it is time. Answers when to look again; undefined: never. */
  async refresh(pod: Pod, now: number): Promise<number | undefined> {
    if (this.#copies.size === 0) return undefined;
    if (this.#dueAt > now) return this.#dueAt - now;
    this.#dueAt = now + this.#node.volumePeriodMs;
    for (const volume of pod.spec.volumes ?? []) {
      const copies = [...this.#copies].filter(([, copy]) => copy.volume === volume.name);
      if (copies.length === 0) continue;
      try {
        const files = await volumeFiles(pod, volume, this.#node.client, this.#tokens);
        for (const [folder, copy] of copies) if (existsSync(folder)) await write(folder, files, copy);
      } catch (error) {
        // What it has it keeps.
        this.#node.recorder.record(
          pod,
          'Warning',
          'FailedMount',
          `MountVolume.SetUp failed for volume "${volume.name}" : ${toError(error).message}`,
        );
      }
    }
    return this.#node.volumePeriodMs;
  }

  /** The sentence about an empty folder in which is more than may be. */
  overLimit(pod: Pod): Promise<string | undefined> {
    return overLimit(pod, (volume) => this.#emptyFolder(volume));
  }

  async remove(): Promise<void> {
    this.#copies.clear();
    this.#node.isolation.releaseOwner(this.#uid);
    if (!this.#hasAny) return;
    await removeTree(volumesFolder(this.#node.runFolder, this.#uid));
    await removeTree(memoryFolder(this.#node.runFolder, this.#uid));
  }

  #emptyFolder({ name, emptyDir }: Volume): string {
    const isMemory = emptyDir?.medium === 'Memory' && existsSync('/dev/shm');
    return join((isMemory ? memoryFolder : volumesFolder)(this.#node.runFolder, this.#uid), name);
  }

  /** Of files: the pod's, or where the place shows them anyway. */
  #folderOf({ volume, given }: ContainerMount, place: Place): string {
    return given === undefined ? join(volumesFolder(this.#node.runFolder, this.#uid), volume.name) : join(place.folder, given);
  }

  #remember(mount: ContainerMount, place: Place): Copy {
    const copy = { volume: mount.volume.name, owner: place.owner, isOpen: mount.given !== undefined };
    this.#copies.set(this.#folderOf(mount, place), copy);
    return copy;
  }
}

const readable = 0o555;

function write(folder: string, files: VolumeFiles, { owner, isOpen }: Copy): Promise<void> {
  const written = isOpen ? new Map([...files].map(([path, { bytes, mode }]) => [path, { bytes, mode: mode & readable }])) : files;
  return writePayload(folder, written, owner);
}

/** The platform's own files: links in them lead where it has put them. A `subPath` stays as it was at the start. */
async function inFiles(folder: string, { subPath, volume, container }: ContainerMount): Promise<Pick<Bind, 'source' | 'file'>> {
  if (subPath === '') return { source: folder };
  const source = await realpath(join(folder, subPath)).catch(() => {
    throw new ContainerConfigError(`failed to prepare subPath for volumeMount "${volume.name}" of container "${container}"`);
  });
  return { source, file: findInside(folder, subPath).isFile };
}

/** Where programs write, and could put a link in the way. */
function inFolder(folder: string, { subPath, volume, container }: ContainerMount): Pick<Bind, 'source' | 'file' | 'identity'> {
  if (subPath === '') return { source: folder, file: !statSync(folder).isDirectory() };
  try {
    const { path, identity, isFile } = findInside(folder, subPath);
    return { source: path, file: isFile, identity };
  } catch {
    const doing = existsSync(join(folder, subPath)) ? 'prepare subPath' : 'create subPath directory';
    throw new ContainerConfigError(`failed to ${doing} for volumeMount "${volume.name}" of container "${container}"`);
  }
}

/** All may write: containers of a pod may have uids of their own. */
async function makeSharedFolder(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await mkdir(path, { recursive: true });
  await chmod(path, 0o777);
}
