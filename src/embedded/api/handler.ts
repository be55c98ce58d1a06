/** One request of the Kubernetes API, whoever carries it: path, query and body in, a reply out. */
import { ApiError } from '../../resources/object.ts';
import type { Log } from '../../base/log.ts';
import type { StoredRow } from '../storage/store.ts';
import { errorReply, jsonReply, listReply, statusReply, textsReply, watchReply } from './answers.ts';
import type { Reply, Shape } from './answers.ts';
import { isApply, readApply, readBody, readPatch } from './bodies.ts';
import type { Call } from './core.ts';
import { readDeleteOptions } from './delete-options.ts';
import { encoded } from './accept.ts';
import { checkForm, shapeAsked } from './forms.ts';
import { generalReply } from './general.ts';
import { askedKind } from './questions.ts';
import { podLogReply } from './pod-log.ts';
import { subjectOf } from './observer.ts';
import type { ApiObserver } from './observer.ts';
import type { PodAccess } from './pod-access.ts';
import { applyOptions, isWatch, listOptions, watchOptions, writeOptions } from './query.ts';
import type { ApiRequest } from './request.ts';
import { checkName, resourcePath } from './route.ts';
import type { ResourcePath } from './route.ts';
import type { ApiServer } from './server.ts';
import { isStream, refuseStream } from './streams/open.ts';
import { internal, methodNotAllowed, noSuchResource, notFound } from './status.ts';
import { Warnings } from './warnings.ts';
import { binding, strategyOf } from './strategy.ts';

export interface HandlerParts {
  readonly server: ApiServer;
  readonly podAccess?: PodAccess | undefined;
  readonly log: Log;
  /** Hears of each request. */
  readonly observer?: ApiObserver | undefined;
}

/** Never throws: what went wrong is a Status. */
export async function handle(parts: HandlerParts, request: ApiRequest): Promise<Reply> {
  const { observer, server } = parts;
  if (!observer) return replyTo(parts, request);
  const from = performance.now();
  const reply = await replyTo(parts, request);
  observer.answered({ ...subjectOf(request, server), code: reply.status, seconds: (performance.now() - from) / 1000 });
  return reply;
}

const replyTo = async (parts: HandlerParts, request: ApiRequest): Promise<Reply> => encoded(await plainReply(parts, request), request);

async function plainReply(parts: HandlerParts, request: ApiRequest): Promise<Reply> {
  const warnings = new Warnings();
  const warned = (reply: Reply): Reply => {
    const warning = warnings.headers();
    return warning.length === 0 ? reply : { ...reply, headers: { ...reply.headers, warning } };
  };
  try {
    const path = resourcePath(request.path, parts.server);
    return path ? warned(await resourceReply(parts, request, path, warnings)) : generalReply(parts.server, request);
  } catch (error) {
    if (error instanceof ApiError) return warned(errorReply(error));
    // A client that has gone while its body was read is nobody's defect.
    if (!request.signal?.aborted)
      parts.log.error({ err: error, method: request.method, path: request.path }, 'a request failed unexpectedly');
    return errorReply(internal(error instanceof Error ? error.message : String(error)));
  }
}

async function resourceReply(parts: HandlerParts, request: ApiRequest, path: ResourcePath, warnings: Warnings): Promise<Reply> {
  const { server } = parts;
  const { method, query } = request;
  const { kind, namespace, name, subresource } = path;
  const call: Call = { user: request.user, kind, namespace, name, subresource, warn: (text) => warnings.add(text) };
  if (subresource === 'log' && kind.plural === 'pods' && kind.group === '') {
    if (method !== 'GET') throw methodNotAllowed();
    return podLogReply(server, parts.podAccess, call, request);
  }
  if (isStream(call)) {
    if (method !== 'GET' && method !== 'POST') throw methodNotAllowed();
    return refuseStream(parts, call, request);
  }
  if (subresource !== '' && !isServed(call)) throw kind.origin === 'custom' ? notFound(kind, name) : noSuchResource();
  const asked = askedKind(call);
  if (asked && subresource === '' && name !== '') throw noSuchResource();
  const isCollection = name === '';
  if (!verbsOf(call, asked !== undefined).includes(method)) throw methodNotAllowed();
  checkName(name);
  const watches = path.watch || (isCollection && method === 'GET' && isWatch(query));
  checkForm(request, kind, watches ? 'stream' : isCollection && method !== 'POST' ? 'list' : 'object');
  const shape = (): Shape => shapeAsked(request, kind, () => server.now());
  const answered = (row: StoredRow, code = 200): Reply => jsonReply(code, shape().one(row));
  switch (method) {
    case 'GET':
      if (watches) return watchReply(shape(), (offer) => server.watch(call, watchOptions(query, request.signal), offer));
      if (isCollection) return collectionReply(server, call, query, shape());
      return answered(await server.get(call, query.get('resourceVersion') ?? ''));
    case 'POST': {
      const options = writeOptions(request, 'CreateOptions');
      const { object, duplicates } = await readBody(request, asked ?? kind);
      return answered(await server.create(call, object, { ...options, duplicates }), 201);
    }
    case 'PUT': {
      const options = writeOptions(request, 'UpdateOptions');
      const { object, duplicates } = await readBody(request, kind);
      const { row, created } = await server.update(call, object, { ...options, duplicates });
      return answered(row, created ? 201 : 200);
    }
    case 'PATCH': {
      if (isApply(request)) {
        const options = applyOptions(request);
        const { config, repeated } = await readApply(request);
        const { row, created } = await server.apply(call, config, { ...options, repeated });
        return answered(row, created ? 201 : 200);
      }
      const options = writeOptions(request, 'PatchOptions');
      const { patch, duplicates } = await readPatch(request);
      return answered(await server.patch(call, patch, { ...options, duplicates }));
    }
    case 'DELETE': {
      const options = await readDeleteOptions(request);
      if (isCollection) return listReply(shape(), await server.deleteCollection(call, listOptions(query), options));
      const answer = await server.delete(call, options);
      return 'row' in answer ? answered(answer.row) : statusReply(answer.status);
    }
    default:
      throw methodNotAllowed();
  }
}

async function collectionReply(server: ApiServer, call: Call, query: URLSearchParams, shape: Shape): Promise<Reply> {
  const options = listOptions(query);
  const texts = shape.cut === undefined ? undefined : await server.texts(call, options, shape.cut, ',{');
  return texts ? textsReply(shape, texts) : listReply(shape, await server.list(call, options));
}

/** What may be done to a collection, an object, or what is only asked. */
function verbsOf({ kind, namespace, name, subresource }: Call, isAsked: boolean): readonly string[] {
  if (isAsked) return ['POST'];
  if (kind.verbs && !kind.verbs.includes('create')) return ['GET'];
  if (name !== '') return subresource === '' ? ['GET', 'PUT', 'PATCH', 'DELETE'] : ['GET', 'PUT', 'PATCH'];
  // All namespaces at once are only read.
  if (kind.namespaced && namespace === '') return ['GET'];
  return strategyOf(kind).noCollectionDelete ? ['GET', 'POST'] : ['GET', 'POST', 'DELETE'];
}

const isServed = ({ kind, subresource }: Call): boolean =>
  (subresource === 'status' && kind.hasStatus) ||
  askedKind({ kind, subresource }) !== undefined ||
  (subresource !== binding && strategyOf(kind).subresources?.[subresource] !== undefined);
