import { rm, symlink } from 'node:fs/promises';
import { type Blank, startShim } from '../blank.ts';
import type { Place, Program } from '../isolation/isolation.ts';
import { podFolder } from '../paths.ts';
import { limitsOf } from './limits.ts';
import { hasOwnMessagePath } from './message.ts';
import type { Needs } from './needs.ts';
import { bindsOf, hostnameOf, type Present, type StartOptions } from './present.ts';

/** A blank process becomes this pod; one of its own where it needs what no blank one has. False: it ended before it could be used. */
export async function startShimOf(bundle: string, options: StartOptions, present: Present, needs: Needs, run: number): Promise<boolean> {
  const { node, pod, spec, volumes } = options;
  const { env, mounts, owner } = needs;
  const isUsual =
    owner === undefined && Object.keys(env).length === 0 && mounts.every(({ given }) => given !== undefined) && !hasOwnMessagePath(spec);
  const pool = isUsual ? node.blanks.get(bundle) : undefined;
  const become = async (blank: Blank, prepare?: () => Promise<unknown>): Promise<boolean> => {
    blank.onEnd = options.exited;
    await present.place?.remove();
    Object.assign(present, { place: blank.place, firstRun: run, id: blank.id, pid: blank.pid, startedAt: Date.now() });
    blank.place.limit(limitsOf(spec));
    await prepare?.();
    return tell(options, blank);
  };
  if (!pool) {
    const prepare = async (place: Place): Promise<Partial<Program>> => ({
      env,
      hostname: hostnameOf(pod),
      binds: await bindsOf(options, place, needs),
    });
    return become(await startShim(node.starter, bundle, { weight: 'normal', owner, prepare }));
  }
  try {
    const blank = await pool.take();
    return await become(blank, () => volumes.fill(blank.place, mounts, needs.volumes));
  } finally {
    pool.refill();
  }
}

/** Tells a loaded shim which pod it is; resolves when it listens, or has ended. */
async function tell({ node, pod }: StartOptions, blank: Blank): Promise<boolean> {
  const { table, runFolder, publicKey } = node;
  const { uid = '', namespace = '', name } = pod.metadata;
  const link = podFolder(runFolder, uid);
  await rm(link, { force: true });
  await symlink(blank.id, link);
  const listen = `unix:${blank.place.inside.socket}`;
  table.send(blank.id, { assign: { pod: uid, namespace, name, listen, publicKey } });
  if (!(await table.hears(blank.id, 'listening'))) return false;
  try {
    await blank.place.sealSocket();
  } catch (error) {
    table.signal(blank.id, 'SIGKILL');
    throw error;
  }
  return true;
}
