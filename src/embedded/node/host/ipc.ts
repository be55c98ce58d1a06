/**
 * The process host over a message channel: the control plane asks the supervisor, which owns the processes.
 * A control plane that dies loses nothing: its successor's `list()` tells what runs and what ended meanwhile.
 */
import type { HostedProcess, ProcessEvent, ProcessHost, ProcessSpec } from '../process-host.ts';

/** `process` in a forked child, or a forked ChildProcess. What a side does not know it ignores, so others may talk there too. */
export interface IpcPeer {
  readonly connected: boolean;
  send?(message: object, callback: (error: Error | null) => void): boolean;
  on(event: 'message' | 'disconnect', listener: (message: unknown) => void): unknown;
  off(event: 'message' | 'disconnect', listener: (message: unknown) => void): unknown;
}

type Call = { readonly op: 'start'; readonly spec: ProcessSpec } | { readonly op: 'list' } | { readonly op: 'attach'; readonly id: string };
type Cast =
  | { readonly op: 'send'; readonly id: string; readonly line: string }
  | { readonly op: 'signal'; readonly id: string; readonly signal: 'SIGTERM' | 'SIGKILL' }
  | { readonly op: 'forget'; readonly id: string };

/** `n` numbers the calls that want an answer. */
type Message =
  | { readonly processHost: 'call'; readonly n: number; readonly call: Call }
  | { readonly processHost: 'cast'; readonly cast: Cast }
  | {
      readonly processHost: 'answer';
      readonly n: number;
      readonly value?: unknown;
      readonly error?: { readonly message: string; readonly code?: string };
    }
  | { readonly processHost: 'event'; readonly event: ProcessEvent };

function isMessage(message: unknown): message is Message {
  return typeof message === 'object' && message !== null && 'processHost' in message;
}

/** The supervisor's side: does with `host` what `peer` asks, until it is gone or the answer is called. The processes stay. */
export function serveProcessHost(host: ProcessHost, peer: IpcPeer): () => void {
  const answer = async (n: number, call: Call): Promise<void> => {
    try {
      say(peer, { processHost: 'answer', n, value: await answerOf(host, call) });
    } catch (error) {
      const { message, code } = error as NodeJS.ErrnoException;
      say(peer, { processHost: 'answer', n, error: { message, ...(code === undefined ? {} : { code }) } });
    }
  };
  const onMessage = (message: unknown): void => {
    if (!isMessage(message)) return;
    if (message.processHost === 'call') void answer(message.n, message.call);
    else if (message.processHost === 'cast') obey(host, message.cast);
  };
  const stopTelling = host.subscribe((event) => say(peer, { processHost: 'event', event }));
  const stop = (): void => {
    stopTelling();
    peer.off('message', onMessage);
    peer.off('disconnect', stop);
  };
  peer.on('message', onMessage);
  peer.on('disconnect', stop);
  return stop;
}

function answerOf(host: ProcessHost, call: Call): Promise<unknown> {
  if (call.op === 'start') return host.start(call.spec);
  return call.op === 'attach' ? host.attach(call.id) : host.list();
}

function obey(host: ProcessHost, cast: Cast): void {
  if (cast.op === 'send') host.send(cast.id, cast.line);
  else if (cast.op === 'signal') host.signal(cast.id, cast.signal);
  else host.forget(cast.id);
}

export interface IpcProcessHost extends ProcessHost {
  /** Stops listening; calls without an answer fail. Happens by itself when the peer is gone. */
  close(): void;
}

/** The control plane's side. */
export function ipcProcessHost(peer: IpcPeer): IpcProcessHost {
  const listeners = new Set<(event: ProcessEvent) => void>();
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let calls = 0;
  const onMessage = (message: unknown): void => {
    if (!isMessage(message)) return;
    if (message.processHost === 'event') {
      for (const listener of listeners) listener(message.event);
    } else if (message.processHost === 'answer') {
      const { n, error, value } = message;
      if (error) waiting.get(n)?.reject(Object.assign(new Error(error.message), error.code === undefined ? {} : { code: error.code }));
      else waiting.get(n)?.resolve(value);
      waiting.delete(n);
    }
  };
  const ask = (call: Call): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (!peer.connected) reject(new Error('the channel to the process host is closed'));
      calls += 1;
      waiting.set(calls, { resolve, reject });
      say(peer, { processHost: 'call', n: calls, call });
    });
  const cast = (cast: Cast): void => say(peer, { processHost: 'cast', cast });
  const close = (): void => {
    peer.off('message', onMessage);
    peer.off('disconnect', close);
    for (const call of waiting.values()) call.reject(new Error('the channel to the process host is closed'));
    waiting.clear();
  };
  peer.on('message', onMessage);
  peer.on('disconnect', close);

  return {
    start: async (spec) => (await ask({ op: 'start', spec })) as HostedProcess,
    attach: async (id) => (await ask({ op: 'attach', id })) as string,
    list: async () => (await ask({ op: 'list' })) as readonly HostedProcess[],
    send: (id, line) => cast({ op: 'send', id, line }),
    signal: (id, signal) => cast({ op: 'signal', id, signal }),
    forget: (id) => cast({ op: 'forget', id }),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close,
  };
}

/** What is said to a peer that is gone is lost: the next one lists. */
function say(peer: IpcPeer, message: Message): void {
  if (peer.connected) peer.send?.(message, () => {});
}
