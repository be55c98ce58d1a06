import { join } from 'node:path';
import { toError } from '../../../base/errors.ts';
import { firstSlot, podFolder } from '../paths.ts';
import { terminalCommand } from '../streams/launcher.ts';
import { ContainerConfigError, expand } from './env.ts';
import { limitsOf } from './limits.ts';
import type { Needs } from './needs.ts';
import { bindsOf, hostnameOf, type Present, StartError, type StartOptions } from './present.ts';

/**
 * A program of its own, by the words of the container. False: it is not wanted any more.
 *
 * @param bundle the entrypoint of its image, which a command takes the place of
 */
export async function startProgram(
  bundle: string | undefined,
  options: StartOptions,
  present: Present,
  needs: Needs,
  run: number,
  isWanted: () => boolean,
): Promise<boolean> {
  const { node, pod, spec, slot, exited } = options;
  const { isolation, slots, table, maxLogBytes, recorder } = node;
  const { command, args = [], tty, workingDir } = spec;
  const { env, owner } = needs;
  const said = [...(command ?? []), ...args].map((text) => expand(text, env));
  if (said.length === 0) throw new ContainerConfigError('image "host" has no command of its own: set command');
  const folder = podFolder('', pod.metadata.uid as string).replace(/^p\//, '');
  return slots.run(async () => {
    const limits = limitsOf(spec);
    const place = (present.place ??= await isolation.open(slot === firstSlot ? folder : `${folder}.${slot}`, limits, owner));
    place.limit(limits);
    if (run > 0) await place.reset();
    const isOwn = bundle === undefined || command !== undefined;
    const argv = isOwn ? said : [place.inside.node, place.inside.bundle(bundle), ...said];
    const launch = await place.launch({
      argv: tty ? terminalCommand(argv) : argv,
      env,
      hostname: hostnameOf(pod),
      binds: await bindsOf(options, place, needs),
      ...(workingDir ? { cwd: workingDir } : {}),
    });
    if (!isWanted()) return false;
    const id = `${pod.metadata.uid}.${slot}.${run}`;
    present.oomBefore = place.oomKills();
    // A terminal without anybody is open all the same.
    const stdin = spec.stdin === true || tty === true;
    const logFile = join(place.folder, `${run - present.firstRun}.log`);
    const started = table.start({ id, ...launch, stdin, logFile, maxLogBytes }, exited);
    // It may have ended before it is known when it began.
    Object.assign(present, { id, startedAt: Date.now() });
    const { pid, startedAt } = await started.catch((error: unknown) => {
      throw new StartError(toError(error).message);
    });
    Object.assign(present, { pid, startedAt });
    recorder.record(pod, 'Normal', 'Started', `Started container ${spec.name}`);
    return true;
  });
}
