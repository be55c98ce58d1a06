/** A connection to a platform: the Kubernetes API, the platform API and the gateway, each reached when it is needed. */
import type { IncomingMessage } from 'node:http';
import { TsumugiError } from '../base/errors.ts';
import type { Connection } from '../kube/connection.ts';
import { createHttpClient, type HttpKubeClient } from '../kube/http/client.ts';
import { lines } from '../kube/http/lines.ts';
import type { FunctionResource } from '../resources/function.ts';
import { type ConnectOptions, find } from './find.ts';
import { apiTarget, codedError, readText, type RequestOptions, type Target } from './http.ts';

export interface Platform {
  /** For the user: `the platform at .tsumugi`, `context "dev" of …`. */
  readonly where: string;
  readonly namespace: string;
  readonly connection: Connection;
  readonly kube: HttpKubeClient;
  /** The Kubernetes API, for what the client port does not do (tables, discovery). */
  readonly api: Target;
  /** A user's own request to the gateway: no token of ours goes along. */
  gateway(path: string, options?: RequestOptions): Promise<IncomingMessage>;
  /** A request to the gateway with the platform's token: `/call/…`, private functions. */
  call(path: string, options?: RequestOptions): Promise<IncomingMessage>;
  functionUrl(object: FunctionResource): string;
  /** A request to the platform API, whatever it answers. */
  service(path: string, options?: RequestOptions): Promise<IncomingMessage>;
  /** A request to the platform API; throws the coded error of an answer that is one. Answers the body as text. */
  platform(path: string, options?: RequestOptions): Promise<string>;
  /** The same, as a stream of lines. */
  platformLines(path: string, options?: RequestOptions): AsyncIterable<string>;
  /** Ends its kept connections. A program that ends needs no such thing. */
  close(): void;
}

/**
 * Connects to the platform that is meant (`ConnectOptions` says which). Nothing is asked of it yet.
 *
 * @throws TsumugiError `NotFound`, `Unavailable`, `Invalid` or `Forbidden`, with what to do, where there is none to reach.
 */
export async function connect(options: ConnectOptions = {}): Promise<Platform> {
  const { connection, where, ways } = await find(options);
  const request = async (path: string, given?: RequestOptions): Promise<IncomingMessage> => {
    const response = await ways.service(path, given);
    if ((response.statusCode ?? 500) < 300) return response;
    const text = await readText(response);
    throw codedError(text) ?? new TsumugiError('Internal', `the platform API answered ${response.statusCode}: ${text.slice(0, 500)}`);
  };
  const kube = createHttpClient(connection);
  return {
    where,
    namespace: options.namespace ?? connection.namespace,
    connection,
    kube,
    api: apiTarget(connection),
    gateway: ways.gateway,
    call: ways.call,
    service: ways.service,
    functionUrl: (object) => {
      const { name, namespace = connection.namespace } = object.metadata;
      return ways.functionUrl(object, `/function/${name}${namespace === 'default' ? '' : `.${namespace}`}`);
    },
    platform: async (path, given) => readText(await request(path, given)),
    async *platformLines(path, given) {
      yield* lines(await request(path, given));
    },
    close: () => kube.close(),
  };
}

let own: Promise<Platform> | undefined;

/** Says which platform this program belongs to, for `call`, `Kube.load()` and the like. Throws as `connect` does. */
export async function belongTo(options: ConnectOptions): Promise<void> {
  own = Promise.resolve(await connect(options));
}

/** The platform that this program belongs to, connected once. What fails is tried anew by the next who asks. */
export function ownPlatform(): Promise<Platform> {
  return (own ??= connect().catch((error: unknown) => {
    own = undefined;
    throw error;
  }));
}
