import type { ApiRequest } from './request.ts';
import { isWatch } from './query.ts';
import { resourcePath } from './route.ts';
import type { KindLookup } from './route.ts';

/** One answered request, as it is counted: bounded words, whatever a client sends. */
export interface AnsweredRequest {
  /** As RBAC says it (`get, list, watch, create, update, patch, delete, deletecollection`), else `other`. */
  readonly verb: string;
  /** `pods`, `pods/log`, `functions.tsumugi.dev`; empty: no resource (discovery, health), or none that is served. */
  readonly resource: string;
  readonly code: number;
  /** To the head of the answer: a watch ends when the client goes. */
  readonly seconds: number;
}

export interface ApiObserver {
  answered(request: AnsweredRequest): void;
}

const verbs: Readonly<Record<string, readonly [one: string, all: string]>> = {
  GET: ['get', 'list'],
  HEAD: ['get', 'list'],
  POST: ['create', 'create'],
  PUT: ['update', 'update'],
  PATCH: ['patch', 'patch'],
  DELETE: ['delete', 'deletecollection'],
};

/** What a request is about, by its path alone. */
export function subjectOf({ method, path, query }: ApiRequest, server: KindLookup): Pick<AnsweredRequest, 'verb' | 'resource'> {
  const [one, all] = verbs[method] ?? ['other', 'other'];
  try {
    const found = resourcePath(path, server);
    if (!found) return { verb: one, resource: '' };
    const { kind, name, subresource, watch } = found;
    const served = subresource === 'log' || subresource === 'status' ? `/${subresource}` : '';
    const watching = one === 'get' && (watch || (name === '' && isWatch(query)));
    return { verb: watching ? 'watch' : name === '' ? all : one, resource: `${kind.plural}${kind.group && `.${kind.group}`}${served}` };
  } catch {
    return { verb: one, resource: '' };
  }
}
