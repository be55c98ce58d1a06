/** The jobs API as stock gRPC meets it: @grpc/grpc-js, with nothing but the published .proto files. */
import {
  type Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { fileURLToPath } from 'node:url';

const proto = fileURLToPath(new URL('../../../../proto', import.meta.url));

/** An answer as grpc-js gives it. */
// oxlint-disable-next-line typescript/no-explicit-any -- whatever the .proto says
export type Message = any;

export interface GrpcService {
  /** A call with one answer; rejects with its ServiceError. */
  call(method: string, request: object): Promise<Message>;
  /** All that the stream brings, until its end; rejects with its ServiceError. `seen` may end it. */
  stream(method: string, request: object, seen?: (message: Message, cancel: () => void) => void): Promise<readonly Message[]>;
  close(): void;
}

/** `address`: host and port of the platform API. */
export function grpcService(name: 'Jobs' | 'Executions' | 'Tasks', address: string, ca: string, token: string): GrpcService {
  const definition = loadSync(
    ['job', 'execution', 'task'].map((each) => `tsumugi/jobs/v1/${each}.proto`),
    {
      includeDirs: [proto],
      keepCase: true,
      enums: String,
      longs: Number,
      defaults: true,
    },
  );
  const { tsumugi } = loadPackageDefinition(definition) as unknown as {
    tsumugi: { jobs: { v1: Record<string, ServiceClientConstructor> } };
  };
  const Service = tsumugi.jobs.v1[name];
  if (!Service) throw new Error(`the .proto files have no service ${name}`);
  const client: Client & UntypedServiceImplementation = new Service(address, credentials.createSsl(Buffer.from(ca))) as never;
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return {
    call: (method, request) =>
      new Promise((resolve, reject) => {
        (client[method] as unknown as Unary).call(client, request, metadata, (error, answer) => (error ? reject(error) : resolve(answer)));
      }),
    stream: (method, request, seen) =>
      new Promise((resolve, reject) => {
        const stream = (client[method] as unknown as Streamed).call(client, request, metadata);
        const messages: Message[] = [];
        let isOver = false;
        const cancel = (): void => {
          isOver = true;
          stream.cancel();
        };
        stream.on('data', (message: Message) => {
          messages.push(message);
          seen?.(message, cancel);
        });
        stream.on('error', (error: ServiceError) => (isOver ? resolve(messages) : reject(error)));
        stream.on('end', () => resolve(messages));
      }),
    close: () => client.close(),
  };
}

type Unary = (request: object, metadata: Metadata, done: (error: ServiceError | null, answer: Message) => void) => void;
type Streamed = (request: object, metadata: Metadata) => NodeJS.EventEmitter & { cancel(): void };
