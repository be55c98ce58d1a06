/** The services on Connect: gRPC, gRPC-web and JSON. Loaded with the first request: who has no use for it does not pay for it. */
import type { DescMethod, DescService, JsonValue } from '@bufbuild/protobuf';
import { fromJson, toJson } from '@bufbuild/protobuf';
import type { ConnectRouter, HandlerContext, Interceptor, MethodImpl } from '@connectrpc/connect';
import { Code } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import type { RequestListener } from 'node:http';
import type { Log } from '../../base/log.ts';
import { toConnectError } from './errors.ts';
import { ExecutionsService } from './executions-service.ts';
import { Executions } from './generated/execution.generated.ts';
import { Jobs as JobsDescription } from './generated/job.generated.ts';
import { Tasks } from './generated/task.generated.ts';
import type { JobsApiOptions } from './handler.ts';
import { JobsService } from './jobs-service.ts';
import { TasksService } from './tasks-service.ts';

/** Of one request. */
const maxBytes = 16 * 1024 * 1024;

export function createRouter({ client, jobs, log, stopped }: JobsApiOptions): RequestListener {
  const services: readonly [DescService, object][] = [
    [JobsDescription, new JobsService(client, jobs)],
    [Executions, new ExecutionsService(jobs)],
    [Tasks, new TasksService(jobs)],
  ];
  return connectNodeAdapter({
    routes: (router) => {
      for (const [description, service] of services) route(router, description, service);
    },
    interceptors: [withErrors(log)],
    readMaxBytes: maxBytes,
    shutdownSignal: stopped,
  });
}

/** A method of the service has the name of the one that is described; it gets and gives the JSON form of the messages. */
function route(router: ConnectRouter, description: DescService, service: object): void {
  for (const method of description.methods) {
    const implementation = (service as Record<string, unknown>)[method.localName] as (request: JsonValue, signal: AbortSignal) => unknown;
    const call = (request: Parameters<typeof toJson>[1], context: HandlerContext): unknown =>
      implementation.call(service, toJson(method.input, request), context.signal);
    const read = (answer: unknown): unknown => fromJson(method.output, answer as JsonValue);
    const unary = async (request: Parameters<typeof toJson>[1], context: HandlerContext): Promise<unknown> =>
      read(await call(request, context));
    async function* stream(request: Parameters<typeof toJson>[1], context: HandlerContext): AsyncGenerator {
      for await (const each of call(request, context) as AsyncIterable<unknown>) yield read(each);
    }
    router.rpc(method, (method.methodKind === 'unary' ? unary : stream) as MethodImpl<DescMethod>);
  }
}

/** Whatever is thrown is answered with a standard code; what nobody expected is in the log. */
function withErrors(log: Log): Interceptor {
  const told = (thrown: unknown, method: string): never => {
    const error = toConnectError(thrown);
    if (error.code === Code.Internal) log.error({ method, error: (thrown as Error).stack }, 'a request to the jobs API failed');
    throw error;
  };
  return (next) => async (request) => {
    try {
      const response = await next(request);
      if (!response.stream) return response;
      return { ...response, message: guarded(response.message, (thrown) => told(thrown, request.method.name)) };
    } catch (thrown) {
      return told(thrown, request.method.name);
    }
  };
}

async function* guarded<T>(messages: AsyncIterable<T>, failed: (thrown: unknown) => never): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (thrown) {
    failed(thrown);
  }
}
