/**
 * The supervisor: `tsumugi up`. It owns every process of the platform on this machine: one control plane, the gateways, and, on the
 * control plane's request, the pods. It restarts the first two when they die, and when it ends, all end.
 */
import { statSync } from 'node:fs';
import { toError, TsumugiError } from '../base/errors.ts';
import { createLog } from '../base/log.ts';
import { serveProcessHost } from '../embedded/node/host/ipc.ts';
import { localProcessHost } from '../embedded/node/host/local.ts';
import { deployFolder, type DeployedFunction } from './deploy-folder.ts';
import { kubeconfigPath } from '../client/data-folder.ts';
import { lockData, platformFile, prepareFolders, removePlatformFile, writePlatformFile } from './folders.ts';
import { gatewayReady } from './gateway-ready.ts';
import { holdPort } from './held-port.ts';
import { inheritedFd, Keeper } from './keeper.ts';
import { endLeftovers, rememberProcesses } from './leftovers.ts';
import { serveMetrics } from './metrics.ts';
import { choosePorts } from './ports.ts';
import { processMetrics } from './process-metrics.ts';
import { giveMemoryBack } from './quiet-memory.ts';
import { createScreen, type Ready, type Screen } from './screen.ts';
import { isLoopback, type RoleSettings, type UpSettings } from './settings.ts';
import { onSignals } from './signals.ts';

export interface UpOptions {
  /** Folder to deploy. */
  readonly dir?: string;
  /** Argv of the tsumugi command, for the short-lived process that deploys. */
  readonly command: readonly string[];
}

/** How long requests in flight may take to end when the platform is told to stop. */
const drainMs = 30_000;

/** Runs the platform until a signal ends it; answers the exit code. Throws what keeps it from starting, as a coded error. */
export async function up(wanted: UpSettings, options: UpOptions): Promise<number> {
  const screen = createScreen();
  if (options.dir !== undefined && !statSync(options.dir, { throwIfNoEntry: false })?.isDirectory())
    throw new TsumugiError('Usage', `${options.dir} is no folder`, { hint: 'name the folder whose files are functions, or none' });
  const { data, run } = prepareFolders(wanted.data);
  const lock = lockData(data);
  try {
    await endLeftovers(run);
    const settings = await choosePorts({ ...wanted, data }, (message) => screen.note(message));
    return await supervise({ ...settings, run, waitFor: options.dir === undefined ? [] : [options.dir] }, options, screen);
  } finally {
    lock.release();
  }
}

async function supervise(settings: RoleSettings, options: UpOptions, screen: Screen): Promise<number> {
  const started = performance.now();
  const signals = onSignals();
  const log = createLog('supervisor');
  const host = localProcessHost({ log, runFolder: settings.run });
  const common = { log, settings, onLine: (line: string) => screen.line(line) };
  const remember = (): void =>
    rememberProcesses(
      settings.run,
      keepers.map((keeper) => keeper.pid),
    );
  const controlPlane = new Keeper({
    ...common,
    name: 'control-plane',
    module: 'control-plane',
    onStart: (child) => {
      serveProcessHost(host, child);
      remember();
    },
  });
  const ports = await Promise.all(
    Array.from({ length: settings.gateways }, () => holdPort({ ...settings, reusePort: settings.gateways > 1 })),
  );
  const gateways = ports.map(
    (held, index) =>
      new Keeper({
        ...common,
        settings: held ? { ...settings, listenFd: inheritedFd } : settings,
        name: `gateway-${index}`,
        module: 'gateway',
        fd: held?.fd,
        onStart: remember,
      }),
  );
  const keepers = [controlPlane, ...gateways];
  const ownMetrics = processMetrics();
  const metrics = await serveMetrics(settings.metricsPort, async () => {
    const others = await Promise.all(keepers.map(async (keeper) => [keeper.name, await keeper.metrics()] as const));
    return new Map([['supervisor', ownMetrics()], ...others]);
  });
  void signals.second.then(() => {
    for (const keeper of keepers) keeper.kill();
    return host.close().finally(() => process.exit(1));
  });

  try {
    const warnings = await Promise.race([Promise.all(keepers.map((keeper) => keeper.start())), signals.first]);
    for (const warning of (warnings ?? []).flat()) screen.note(warning, 'warn');
    if (!signals.received) {
      const file = platformFile(settings);
      writePlatformFile(settings.run, file);
      if (!isLoopback(settings.apiHost))
        screen.note(`the APIs listen on ${settings.apiHost}: whoever reaches it and has the token owns this platform`, 'warn');
      const deployed = await deployAll(settings, options, screen, (names) => controlPlane.waitFor(names), signals.signal);
      if (deployed.functions.every(({ ready }) => ready)) await gatewayReady(file.gateway, signals.signal);
      if (!signals.received)
        screen.ready({ ...deployed, file, kubeconfig: kubeconfigPath(settings.data), ms: performance.now() - started });
      const stopGiving = giveMemoryBack();
      await signals.first;
      stopGiving();
    }
    screen.note('stopping: what is in flight is finished first; once more to stop at once');
    // Nobody shall wait for a gateway that does not come.
    for (const held of ports) held?.release();
    await Promise.all(gateways.map((gateway) => gateway.stop(drainMs)));
    await controlPlane.stop(drainMs);
    return 0;
  } finally {
    for (const keeper of keepers) keeper.kill();
    for (const held of ports) held?.release();
    await Promise.all([host.close(), metrics.close()]);
    removePlatformFile(settings.run);
    signals.close();
  }
}

/** Deploys DIR, if there is one. What cannot be deployed is shown; the platform runs on, `/readyz` says what it waits for. */
async function deployAll(
  settings: RoleSettings,
  { dir, command }: UpOptions,
  screen: Screen,
  waitFor: (names: readonly string[]) => void,
  signal: AbortSignal,
): Promise<Pick<Ready, 'functions' | 'manifests' | 'dir'>> {
  const functions: DeployedFunction[] = [];
  let manifests = 0;
  let planned: readonly string[] | undefined;
  if (dir === undefined) return { functions, manifests };
  try {
    await deployFolder(
      command,
      dir,
      settings.data,
      (line) => {
        if (line.type === 'plan') {
          planned = line.functions;
          // Until all are written, those of the last start may still look Ready.
          waitFor([...planned, dir]);
        } else if (line.type === 'function') functions.push(line);
        else if (line.error === undefined) manifests += 1;
        else screen.note(`${line.kind} ${line.name}: ${line.error}`, 'error');
      },
      signal,
    );
  } catch (error) {
    const { message, hint } = error instanceof TsumugiError ? error : { message: toError(error).message, hint: undefined };
    screen.note(hint ? `${message} (${hint})` : message, 'error');
  }
  if (planned) waitFor(planned);
  return { functions, manifests, dir };
}
