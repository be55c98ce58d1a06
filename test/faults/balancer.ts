/**
 * A load balancer as ingress controllers are: it follows the Service's endpoints, keeps connections to each gateway, and takes them in
 * turn. It tries another gateway, once, only if one did not take the connection at all: nothing was sent then. If none is said to be
 * ready, as when Kubernetes takes all its nodes for dead, it goes on with all of them (Envoy's panic mode, AWS's fail-open).
 */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { KubeClient } from '../../src/kube/client.ts';
import { Informer } from '../../src/kube/informer.ts';
import type { KubeObject, Resource } from '../../src/resources/object.ts';

const endpointSlices: Resource = {
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
  kind: 'EndpointSlice',
  namespaced: true,
};

interface Endpoint {
  readonly addresses: readonly string[];
  readonly conditions?: { readonly ready?: boolean };
}

interface EndpointSlice extends KubeObject {
  readonly endpoints?: readonly Endpoint[];
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[];
}

/** One sending of a request. */
export interface Attempt {
  readonly gateway: string;
  sentAt?: number;
  /** When its connection was made: which process of the gateway has it. */
  connectedAt?: number;
}

export interface Question {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | undefined;
  readonly timeoutMs: number;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export class Balancer {
  readonly #slices: Informer<EndpointSlice>;
  readonly #agents = new Map<string, Agent>();
  readonly #connected = new WeakMap<Socket, number>();
  #turn = 0;

  constructor(client: KubeClient, namespace: string, service: string) {
    this.#slices = new Informer<EndpointSlice>(client, endpointSlices, {
      namespace,
      labelSelector: `kubernetes.io/service-name=${service}`,
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    const done = this.#slices.start(signal);
    void done.then(() => {
      for (const agent of this.#agents.values()) agent.destroy();
    });
    await this.#slices.synced();
  }

  /** `ip:port` of those that are ready. */
  gateways(): readonly string[] {
    return this.#addresses(({ conditions }) => conditions?.ready !== false);
  }

  #addresses(wanted: (endpoint: Endpoint) => boolean): readonly string[] {
    return this.#slices
      .list()
      .flatMap(({ endpoints = [], ports = [] }) =>
        endpoints.filter(wanted).flatMap(({ addresses }) => addresses.map((ip) => `${ip}:${ports[0]?.port}`)),
      );
  }

  /** Rejects when no gateway takes it, or its connection breaks. `attempts` is filled as it goes. */
  async send(question: Question, attempts: Attempt[]): Promise<Answer> {
    const ready = this.gateways();
    const gateways = ready.length > 0 ? ready : this.#addresses(() => true);
    const first = this.#turn++ % gateways.length;
    for (const gateway of [gateways[first], gateways[(first + 1) % gateways.length]]) {
      if (gateway === undefined) break;
      const attempt: Attempt = { gateway };
      attempts.push(attempt);
      try {
        return await this.#ask(gateway, question, attempt);
      } catch (error) {
        if (attempt.sentAt !== undefined || attempts.length === 2) throw error;
      }
    }
    throw new Error('no gateway is ready');
  }

  #ask(gateway: string, { path, headers, body, timeoutMs }: Question, attempt: Attempt): Promise<Answer> {
    const [host, port] = gateway.split(':');
    let agent = this.#agents.get(gateway);
    if (!agent) this.#agents.set(gateway, (agent = new Agent({ keepAlive: true })));
    return new Promise((resolve, reject) => {
      const method = body ? 'POST' : 'GET';
      const outgoing = httpRequest({
        agent,
        host,
        port,
        path,
        method,
        headers: { ...headers, ...(body && { 'content-length': body.length }) },
      });
      const late = setTimeout(() => outgoing.destroy(new Error(`no answer in ${timeoutMs / 1000} s`)), timeoutMs);
      const end = (error?: Error): void => {
        clearTimeout(late);
        if (error) reject(error);
      };
      outgoing.once('socket', (socket) => {
        const sent = (): void => {
          attempt.sentAt = performance.now();
          if (!this.#connected.has(socket)) this.#connected.set(socket, attempt.sentAt);
          attempt.connectedAt = this.#connected.get(socket)!;
        };
        if (!socket.connecting) return sent();
        const refused = setTimeout(() => outgoing.destroy(new Error('the connection was not taken within 1 s')), 1000);
        socket.once('connect', sent).once('connect', () => clearTimeout(refused));
        outgoing.once('close', () => clearTimeout(refused));
      });
      outgoing.on('error', end);
      outgoing.on('response', (answer: IncomingMessage) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('error', end);
        answer.on('end', () => {
          end();
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString() });
        });
      });
      outgoing.end(body);
    });
  }
}
