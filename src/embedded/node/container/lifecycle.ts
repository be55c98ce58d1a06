/** What a container's `lifecycle` says is to be done after its start and before its end. */
import { once } from 'node:events';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { toError } from '../../../base/errors.ts';
import type { Container, LifecycleHandler, Pod } from '../../../resources/builtin/pod-types.ts';
import type { Place } from '../isolation/isolation.ts';
import type { NodeContext } from '../node-context.ts';
import { execute } from '../streams/exec.ts';

/** Characters of what a command says that are kept. */
const mostSaid = 10 * 1024;

interface HookPlace {
  readonly place: Place;
  /** As the host tells it. */
  readonly pid: number;
  readonly spec: Container;
}

/** Where what is to be done after the start fails, an event tells it and the container is ended: false when it has. */
export async function afterStart(
  node: NodeContext,
  pod: Pod,
  at: HookPlace,
  exited: AbortSignal,
  send: (signal: 'SIGTERM' | 'SIGKILL') => void,
): Promise<boolean> {
  const hook = at.spec.lifecycle?.postStart;
  if (!hook || (await attempt(node, pod, 'PostStart', () => runHook(hook, at, exited), exited))) return !exited.aborted;
  const timer = setTimeout(() => send('SIGKILL'), (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000);
  send('SIGTERM');
  if (!exited.aborted) await once(exited, 'abort');
  clearTimeout(timer);
  return false;
}

/** What is to be done before the end, for as long as the grace period. Where it fails in that time an event tells it. */
export async function beforeEnd(node: NodeContext, pod: Pod, at: HookPlace, exited: AbortSignal, graceMs: number): Promise<void> {
  const hook = at.spec.lifecycle?.preStop;
  const signal = AbortSignal.any([exited, AbortSignal.timeout(graceMs)]);
  if (hook) await attempt(node, pod, 'PreStop', () => runHook(hook, at, signal), signal);
}

async function attempt(
  { log, recorder }: NodeContext,
  pod: Pod,
  hook: string,
  run: () => Promise<void>,
  over: AbortSignal,
): Promise<boolean> {
  try {
    await run();
    return true;
  } catch (error) {
    // The program has ended meanwhile, or has to: that is what is told.
    if (over.aborted) return true;
    log.debug({ pod: pod.metadata.name, hook, error: toError(error).message }, 'a lifecycle hook failed');
    recorder.record(pod, 'Warning', `Failed${hook}Hook`, `${hook}Hook failed`);
    return false;
  }
}

/** Resolves when it is done; rejects with why it failed, or when `signal` is aborted. */
async function runHook({ exec, httpGet, sleep: pause }: LifecycleHandler, at: HookPlace, signal: AbortSignal): Promise<void> {
  if (exec) await runCommand(exec.command ?? [], at, signal);
  else if (httpGet) await get(httpGet, at.spec, signal);
  else if (pause) await sleep(pause.seconds * 1000, undefined, { signal });
  else throw new Error('this node runs exec, httpGet and sleep');
}

async function runCommand(command: readonly string[], { place, pid, spec }: HookPlace, signal: AbortSignal): Promise<void> {
  const entry = await place.enter(pid);
  let said = '';
  const sink = (): Writable =>
    new Writable({
      write(chunk: Buffer, _, done) {
        said = (said + chunk.toString()).slice(0, mostSaid);
        done();
      },
    });
  const streams = { stdout: sink(), stderr: sink(), tty: false, sizes: nothing(), signal };
  const code = await execute({ command, entry, cwd: spec.workingDir ?? entry.cwd, folder: place.folder }, streams);
  signal.throwIfAborted();
  if (code !== 0) throw new Error(`command '${command.join(' ')}' exited with ${code}: ${said}`);
}

async function* nothing(): AsyncGenerator<never> {}

/** A pod's address is this machine's own. */
async function get(given: NonNullable<LifecycleHandler['httpGet']>, spec: Container, signal: AbortSignal): Promise<void> {
  const { host = '127.0.0.1', path = '/', scheme = 'HTTP', httpHeaders = [] } = given;
  const port = typeof given.port === 'number' ? given.port : portNamed(spec, given.port);
  const headers = Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value]));
  const status = await new Promise<number>((resolve, reject) => {
    const options = { host, port, path, headers, signal, agent: false as const };
    const asked = scheme === 'HTTPS' ? requestHttps({ ...options, rejectUnauthorized: false }) : requestHttp(options);
    asked.once('error', reject);
    asked.once('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.end();
  });
  if (status >= 400) throw new Error(`HTTP request to ${host}:${port}${path} was answered with ${status}`);
}

function portNamed({ ports = [] }: Container, name: string): number {
  const number = Number(name);
  const port = Number.isInteger(number) ? number : ports.find((each) => each.name === name)?.containerPort;
  if (port === undefined) throw new Error(`couldn't find port "${name}"`);
  return port;
}
