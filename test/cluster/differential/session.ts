/** A script of requests as one server answers it, written down so that two servers' answers can be compared. */
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Connection } from '../../../src/kube/connection.ts';
import type { KubeObject } from '../../../src/resources/object.ts';

export interface Loose extends Partial<Omit<KubeObject, 'metadata'>> {
  metadata?: Record<string, unknown> & { resourceVersion?: string; uid?: string; continue?: string };
  items?: Loose[];
  [field: string]: unknown;
}

export interface Answer {
  readonly what: string;
  readonly status: number;
  readonly body: Loose;
  readonly warnings: readonly string[];
  /** It only prepared: its ids are known, its words are nobody's. */
  readonly quiet?: boolean;
}

export interface Ask {
  /** The body's type; default JSON, of patches by their verb. */
  readonly type?: string;
  readonly accept?: string;
  /** The body as it is. */
  readonly text?: string;
  /** Not compared: it only prepares. */
  readonly quiet?: boolean;
}

export interface WatchUntil {
  /** Ends after so many events; else when the server ends it. */
  readonly events?: number;
  /** Ends after the event of the object of this name. */
  readonly last?: string;
  readonly accept?: string;
}

const groups: Readonly<Record<string, string>> = {
  leases: '/apis/coordination.k8s.io/v1',
  functions: '/apis/tsumugi.dev/v1',
  routes: '/apis/tsumugi.dev/v1',
  runtimes: '/apis/tsumugi.dev/v1',
  revisions: '/apis/tsumugi.dev/v1',
};
const clusterWide = new Set(['namespaces', 'nodes', 'runtimes']);

const patchTypes = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

export class Session {
  readonly namespace: string;
  readonly transcript: Answer[] = [];
  readonly #connection: Connection;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });

  constructor(connection: Connection, namespace: string) {
    this.#connection = connection;
    this.namespace = namespace;
  }

  close(): void {
    this.#agent.destroy();
  }

  /** `secrets/a?dryRun=All` is in the session's namespace; what begins with a slash is the path itself, `NS` in it the namespace. */
  path(target: string): string {
    if (target.startsWith('/')) return target.replace('NS', this.namespace);
    const plural = /^[a-z]+/.exec(target)?.[0] ?? '';
    return `${groups[plural] ?? '/api/v1'}/${clusterWide.has(plural) ? '' : `namespaces/${this.namespace}/`}${target}`;
  }

  get = (target: string, options?: Ask): Promise<Answer> => this.ask('GET', target, undefined, options);
  create = (target: string, body: object, options?: Ask): Promise<Answer> => this.ask('POST', target, body, options);
  update = (target: string, body: object, options?: Ask): Promise<Answer> => this.ask('PUT', target, body, options);
  delete = (target: string, body?: object, options?: Ask): Promise<Answer> => this.ask('DELETE', target, body, options);
  patch = (type: keyof typeof patchTypes, target: string, body: unknown, options?: Ask): Promise<Answer> =>
    this.ask('PATCH', target, body, { type: patchTypes[type], ...options });

  /** Writes down what is only to be seen in the answers as they came. */
  note(what: string, value: unknown): void {
    this.transcript.push({ what, status: 0, body: { value }, warnings: [] });
  }

  async ask(method: string, target: string, body?: unknown, options: Ask = {}): Promise<Answer> {
    const { type = 'application/json', accept = 'application/json', quiet = false } = options;
    const sent = options.text ?? (body === undefined ? undefined : JSON.stringify(body).replaceAll('NAMESPACE', this.namespace));
    const response = await this.#send(method, target, { accept, ...(sent !== undefined && { 'content-type': type }) }, sent);
    let text = '';
    for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
    const answer = {
      what: `${method} ${target}`,
      status: response.statusCode ?? 0,
      body: jsonOf(text),
      warnings: response.headersDistinct['warning'] ?? [],
    };
    this.transcript.push({ ...answer, ...(quiet && { quiet }) });
    return answer;
  }

  /** The events of a watch, until it has seen what it waits for or the server ends it. */
  async watch(target: string, { events = Infinity, last, accept = 'application/json' }: WatchUntil = {}): Promise<Loose[]> {
    const response = await this.#send('GET', `${target}${target.includes('?') ? '&' : '?'}watch=true`, { accept });
    const seen: Loose[] = [];
    let text = '';
    for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      seen.push(...lines.filter((line) => line !== '').map(jsonOf));
      if (seen.length >= events || (last !== undefined && seen.some((event) => nameIn(event) === last))) break;
    }
    response.destroy();
    if (text !== '') seen.push(jsonOf(text));
    const status = response.statusCode ?? 0;
    this.transcript.push({ what: `WATCH ${target}`, status, body: status === 200 ? { events: seen } : (seen[0] ?? {}), warnings: [] });
    return seen;
  }

  async #send(method: string, target: string, headers: Record<string, string>, body?: string): Promise<IncomingMessage> {
    const { server, ca } = this.#connection;
    const { token, certificate: cert, key } = await this.#connection.credentials();
    return new Promise((resolve, reject) => {
      const asked = request(new URL(server + this.path(target)), {
        method,
        agent: this.#agent,
        ...(ca && { ca }),
        ...(cert && { cert }),
        ...(key && { key }),
        headers: {
          'user-agent': 'tester/1.0',
          ...headers,
          ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
          ...(token && { authorization: `Bearer ${token}` }),
        },
      });
      asked.once('response', resolve).once('error', reject).end(body);
    });
  }
}

export const nameIn = (event: Loose): unknown => {
  const object = event['object'] as (Loose & { rows?: { object?: Loose }[] }) | undefined;
  return object?.metadata?.['name'] ?? object?.rows?.[0]?.object?.metadata?.['name'];
};

function jsonOf(text: string): Loose {
  try {
    return JSON.parse(text) as Loose;
  } catch {
    return { text };
  }
}
