/** Where a PersistentVolumeClaim's data are on this machine: the folder of the volume that it is bound to. */
import { getIfThere } from '../../../kube/get.ts';
import { chmod, chown, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { KubeClient } from '../../../kube/client.ts';
import type { Pod } from '../../../resources/builtin/pod-types.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../../../resources/builtin/volumes.ts';
import type { KubeObject, Resource } from '../../../resources/object.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../../resources/resources.ts';
import { MountError } from './mount-error.ts';

/** Uids of those who share the claims of a namespace; below those of pods. */
const firstUid = 190_000;
const uidCount = 10_000;

export interface ClaimFolder {
  readonly path: string;
  readonly type: string;
  /** Made for claims by the platform itself. */
  readonly isOurs: boolean;
}

export class ClaimFolders {
  readonly #client: KubeClient;
  readonly #root: string;
  #owners: Promise<unknown> = Promise.resolve();

  constructor(client: KubeClient, root: string) {
    this.#client = client;
    this.#root = root;
  }

  /** @throws MountError when the claim is not there or not bound. */
  async find(namespace: string, name: string): Promise<ClaimFolder> {
    const claim = await this.#get<PersistentVolumeClaim>(persistentVolumeClaims, { namespace, name });
    if (!claim) throw new MountError(`persistentvolumeclaim "${name}" not found`);
    if (claim.metadata.deletionTimestamp !== undefined) throw new MountError(`persistentvolumeclaim "${name}" is being deleted`);
    const { volumeName } = claim.spec ?? {};
    if (!volumeName || claim.status?.phase !== 'Bound') throw new MountError(`persistentvolumeclaim "${name}" is not bound yet`);
    const volume = await this.#get<PersistentVolume>(persistentVolumes, { name: volumeName });
    if (!volume) throw new MountError(`persistentvolume "${volumeName}" not found`);
    const { hostPath, local, claimRef } = volume.spec ?? {};
    if (claimRef?.uid !== claim.metadata.uid) throw new MountError(`persistentvolume "${volumeName}" belongs to another claim`);
    const path = hostPath?.path ?? local?.path;
    if (path === undefined) throw new MountError(`persistentvolume "${volumeName}": this node mounts those of hostPath and local alone`);
    return { path, type: hostPath?.type ?? '', isOurs: path === join(this.#root, namespace, volumeName) };
  }

  /** Why the pod cannot be given a node yet: a claim of it is not there or has no volume. In a scheduler's words. */
  async waitsFor({ metadata, spec }: Pod): Promise<string | undefined> {
    for (const { persistentVolumeClaim } of spec.volumes ?? []) {
      if (!persistentVolumeClaim) continue;
      const { claimName: name } = persistentVolumeClaim;
      const claim = await this.#get<PersistentVolumeClaim>(persistentVolumeClaims, { namespace: metadata.namespace ?? '', name });
      if (!claim) return `persistentvolumeclaim "${name}" not found`;
      if (claim.metadata.deletionTimestamp !== undefined) return `persistentvolumeclaim "${name}" is being deleted`;
      if (claim.status?.phase !== 'Bound') return 'pod has unbound immediate PersistentVolumeClaims';
    }
    return undefined;
  }

  /** The folder itself, made where it is missing; so that all pods of the namespace may write what others of them wrote. */
  async open(namespace: string, path: string): Promise<void> {
    const owner = await this.owner(namespace);
    await mkdir(path, { recursive: true });
    await chmod(path, 0o777);
    if (owner !== undefined) await chown(path, owner, owner);
  }

  /** The uid of all pods of a namespace that use claims; undefined where all pods have this process's. */
  owner(namespace: string): Promise<number | undefined> {
    if (process.getuid?.() !== 0) return Promise.resolve(undefined);
    const owner = this.#owners.then(() => this.#ownerOf(join(this.#root, namespace)));
    this.#owners = owner.catch(() => {});
    return owner;
  }

  /** What the file system says is the record: the folder's owner. */
  async #ownerOf(folder: string): Promise<number> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { uid } = await stat(folder);
    if (uid !== 0) return uid;
    const names = await readdir(dirname(folder));
    const taken = new Set(await Promise.all(names.map(async (name) => (await stat(join(dirname(folder), name))).uid)));
    const free = Array.from({ length: uidCount }, (_, index) => firstUid + index).find((each) => !taken.has(each));
    if (free === undefined) throw new Error(`all ${uidCount} uids for claims are in use`);
    await chown(folder, free, free);
    return free;
  }

  #get<T extends KubeObject>(resource: Resource, key: { namespace?: string; name: string }): Promise<T | undefined> {
    return getIfThere<T>(this.#client, resource, key);
  }
}
