import { AsyncLocalStorage } from 'node:async_hooks';
import type { Context, Logger, Store, Task } from '../../sdk/index.ts';
import { taskEnvironment, taskOf } from '../../wire/task.ts';
import { log } from './console.ts';
import { nobody, noStore, type PodIdentity } from './identity.ts';
import type { IncomingBody } from './incoming-body.ts';
import { Body } from './web/body.ts';
import type { IncomingRequest } from './web/request.ts';

/** Where the fields of a REQUEST's head stand (see FrameType.REQUEST). */
const Field = { method: 0, target: 1, requestId: 2, traceparent: 3, deadline: 4, export: 5, origin: 6, headers: 7 } as const;

/** What all invocations of an instance share. */
export interface Owner {
  readonly namespace: string;
  readonly function: string;
  readonly revision: string;
}

/** Errors that say no more than that nobody waits for an invocation any longer. */
const reasons = new WeakSet<Error>();

/**
 * Whether this is how an invocation was told to stop. Code that reads a body or fetches with the signal gets it as a rejection, often
 * before it awaits it: that must not end the instance, or any client could, by going away.
 */
export const isStopReason = (thrown: unknown): boolean => thrown instanceof Error && reasons.has(thrown);

/** One invocation, flat as it came. All that user code may ask for is made when it asks. */
export class Invocation implements IncomingRequest {
  readonly stream: number;
  readonly fields: readonly string[];
  readonly headersAt = Field.headers;
  readonly incoming: IncomingBody | undefined;
  readonly body: Body | undefined;
  /** Set when the client gave up: what is answered now is for nobody. */
  aborted = false;
  /** The answer's sender, told when the client gave up. */
  onAbort: ((reason: Error) => void) | undefined;
  #controller: AbortController | undefined;
  /** Runs something as a part of the invocation, so that what a listener of the signal logs has its id. */
  #within: (<T>(work: () => T) => T) | undefined;
  #reason: Error | undefined;

  constructor(stream: number, fields: readonly string[], incoming: IncomingBody | undefined) {
    this.stream = stream;
    this.fields = fields;
    this.incoming = incoming;
    this.body = incoming && this.method !== 'GET' && this.method !== 'HEAD' ? new Body({ kind: 'frames', frames: incoming }) : undefined;
  }

  get method(): string {
    return this.fields[Field.method]!;
  }
  get target(): string {
    return this.fields[Field.target]!;
  }
  get requestId(): string {
    return this.fields[Field.requestId]!;
  }
  get traceparent(): string {
    return this.fields[Field.traceparent]!;
  }
  /** '' for the handler. */
  get export(): string {
    const name = this.fields[Field.export]!;
    return name === '' ? '' : decodeURIComponent(name);
  }
  get origin(): string {
    return this.fields[Field.origin]!;
  }

  signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      this.#within = AsyncLocalStorage.snapshot();
      if (this.#reason) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Whether anybody can hear that it is to stop. */
  get isHeeded(): boolean {
    return this.#controller !== undefined;
  }

  /** The answer is sent: what is still to come of the body has no reader. */
  over(): void {
    if (!this.incoming) return;
    const reason = new DOMException('the invocation is over', 'AbortError');
    reasons.add(reason);
    this.incoming.fail(reason);
  }

  abort(code: string, message: string): void {
    if (this.aborted) return;
    this.aborted = true;
    this.#reason = new DOMException(message || 'the client went away', code === 'Timeout' ? 'TimeoutError' : 'AbortError');
    reasons.add(this.#reason);
    this.incoming?.fail(this.#reason);
    this.#within?.(() => this.#controller?.abort(this.#reason));
    this.onAbort?.(this.#reason);
  }
}

/** The context a handler gets. */
export class InvocationContext implements Context {
  readonly requestId: string;
  readonly function: string;
  readonly revision: string;
  readonly namespace: string;
  readonly #invocation: Invocation;
  readonly #identity: PodIdentity | undefined;

  constructor(invocation: Invocation, owner: Owner, identity: PodIdentity | undefined) {
    this.requestId = invocation.requestId;
    this.function = owner.function;
    this.revision = owner.revision;
    this.namespace = owner.namespace;
    this.#invocation = invocation;
    this.#identity = identity;
  }
  get signal(): AbortSignal {
    return this.#invocation.signal();
  }
  get trace(): { readonly traceparent: string } {
    return { traceparent: this.#invocation.traceparent };
  }
  get log(): Logger {
    void this.#invocation;
    return log;
  }
  get store(): Store {
    return this.#identity?.store ?? noStore(this.function);
  }
  async credentials(): Promise<Record<string, string>> {
    if (!this.#identity) throw nobody(this.function);
    return { ...this.#identity.credentials };
  }
  get task(): Task | undefined {
    const place = taskOf(this.#invocation.fields, this.#invocation.headersAt);
    return place && { ...place, env: taskEnvironment(place) };
  }
}
