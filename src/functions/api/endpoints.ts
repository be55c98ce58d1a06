/** The platform API: packages, logs, and what gateways ask for. */
import { TsumugiError } from '../../base/errors.ts';
import { didYouMean } from '../../base/suggest.ts';
import type { ActivateAnswer, ActivateNews, ActivateRequest, InstanceEnd, InstanceEntry } from '../../invoke/projection.ts';
import type { TokenOwner, TokenReviewAnswer } from '../../invoke/reviewer.ts';
import { readManifest } from '../../build/package.ts';
import type { BlobStore } from '../../records/blobs.ts';
import type { LogEntry, LogQuery } from '../logs/reader.ts';
import { asTsumugiError, type Call, type Endpoint, errorBody } from '../../api/endpoints.ts';
import { isYes, moment, wholeNumber } from '../../api/query.ts';

export interface EndpointOptions {
  readonly blobs: BlobStore;
  readonly functionNames: (namespace: string) => Promise<readonly string[]>;
  readonly readLogs: (query: LogQuery) => AsyncIterable<LogEntry>;
  readonly activate: (request: ActivateRequest, reserved: (entry: InstanceEntry) => void) => Promise<InstanceEntry>;
  readonly reportFailed: (id: string, reason: string, message: string) => Promise<void>;
  /** Whose token it is that somebody shows to a gateway. */
  readonly ownerOf: (token: string) => Promise<TokenOwner | undefined>;
  readonly endOf: (id: string) => Promise<InstanceEnd>;
  /** Lines for one gateway. */
  readonly subscribe: (signal: AbortSignal) => AsyncIterable<string>;
  /** Resolves when the platform knows all that it needs to answer gateways. */
  readonly ready: Promise<void>;
}

/** A package travels to the pod in one frame. */
const maxPackageBytes = 60 * 1024 * 1024;
const maxJsonBytes = 1024 * 1024;

export function platformEndpoints(options: EndpointOptions): readonly Endpoint[] {
  const { blobs, ready } = options;
  return [
    {
      method: 'PUT',
      path: /^\/v1\/packages$/,
      handle: async (_, { body }) => {
        const bytes = await body(maxPackageBytes);
        readManifest(bytes);
        const [id] = await blobs.put([bytes]);
        return { status: 201, json: { id } };
      },
    },
    {
      method: 'GET',
      path: /^\/v1\/packages\/([^/]+)$/,
      handle: async ([id = '']) => {
        const [bytes] = await blobs.get([id]);
        if (!bytes) throw new TsumugiError('NotFound', `the package ${id} is not here`);
        return { bytes };
      },
    },
    {
      method: 'GET',
      path: /^\/v1\/namespaces\/([^/]+)\/functions\/([^/]+)\/logs$/,
      handle: async ([namespace = '', name = ''], call) => {
        await ready;
        const names = await options.functionNames(namespace);
        if (!names.includes(name)) {
          throw new TsumugiError('NotFound', `function "${name}" does not exist in namespace ${namespace}`, {
            hint: didYouMean(name, names) ?? 'tsumugi get functions -A',
          });
        }
        return { lines: toLines(options.readLogs(logQuery(namespace, name, call))) };
      },
    },
    {
      method: 'POST',
      path: /^\/v1\/activate$/,
      handle: async (_, { body }) => {
        const request = parseActivate(await body(maxJsonBytes));
        await ready;
        const news = Promise.withResolvers<InstanceEntry>();
        const answer = options
          .activate(request, news.resolve)
          .then((instance) => ({ status: 200, json: { instance } satisfies ActivateAnswer }), failed);
        const first = await Promise.race([news.promise, answer]);
        return 'json' in first ? first : { lines: inTurn(first, answer) };
      },
    },
    {
      method: 'POST',
      path: /^\/v1\/instances\/([^/]+)\/failed$/,
      handle: async ([id = ''], { body }) => {
        const { reason = '', message = '' } = parseJson(await body(maxJsonBytes)) as { reason?: unknown; message?: unknown };
        if (typeof reason !== 'string' || typeof message !== 'string') throw new TsumugiError('Invalid', 'reason and message are texts');
        await options.reportFailed(id, reason, message);
        return undefined;
      },
    },
    {
      method: 'GET',
      path: /^\/v1\/instances\/([^/]+)\/end$/,
      handle: async ([id = '']) => ({ json: await options.endOf(id) }),
    },
    {
      method: 'POST',
      path: /^\/v1\/tokens\/review$/,
      handle: async (_, { body }) => {
        const { token } = parseJson(await body(maxJsonBytes)) as { token?: unknown };
        if (typeof token !== 'string') throw new TsumugiError('Invalid', 'token is a text');
        const owner = await options.ownerOf(token);
        return { json: { ...(owner && { owner: { namespace: owner.namespace, name: owner.name } }) } satisfies TokenReviewAnswer };
      },
    },
    {
      method: 'GET',
      path: /^\/v1\/projection$/,
      handle: async (_, { signal }) => {
        await ready;
        return { lines: options.subscribe(signal) };
      },
    },
  ];
}

function failed(thrown: unknown): { status: number; json: ActivateAnswer } {
  const error = asTsumugiError(thrown);
  return { status: error.status, json: errorBody(error) };
}

/** The pod that is tried first is told at once; one after it is not worth a line. */
async function* inTurn(reserved: InstanceEntry, answer: Promise<{ json: ActivateAnswer }>): AsyncGenerator<string> {
  yield `${JSON.stringify({ reserved } satisfies ActivateNews)}\n`;
  yield `${JSON.stringify((await answer).json)}\n`;
}

async function* toLines(entries: AsyncIterable<LogEntry>): AsyncGenerator<string> {
  for await (const entry of entries) yield `${JSON.stringify(entry)}\n`;
}

function logQuery(namespace: string, name: string, { query, signal }: Call): LogQuery {
  const tail = wholeNumber(query, 'tail');
  const since = moment(query, 'since');
  return {
    namespace,
    function: name,
    follow: isYes(query, 'follow'),
    ...(tail !== undefined && { tail }),
    ...(since !== undefined && { since }),
    signal,
  };
}

function parseActivate(body: Buffer): ActivateRequest {
  const { revisionUid, namespace, revision, known = [] } = parseJson(body) as Partial<ActivateRequest>;
  const isText = [revisionUid, namespace, revision, ...(Array.isArray(known) ? known : [undefined])].every(
    (each) => typeof each === 'string',
  );
  if (!isText) throw new TsumugiError('Invalid', 'an activation needs revisionUid, namespace, revision and known');
  return { revisionUid, namespace, revision, known } as ActivateRequest;
}

function parseJson(body: Buffer): object {
  try {
    const value = JSON.parse(body.toString('utf8')) as unknown;
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Said below.
  }
  throw new TsumugiError('Invalid', 'the body is no JSON object');
}
