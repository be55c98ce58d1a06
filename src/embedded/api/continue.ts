/** The opaque token between the pages of one list: where the last page ended, in which state. The format is the real server's. */
import { ApiError } from '../../resources/object.ts';
import { badRequest, expired } from './status.ts';

export interface Continuation {
  /** Undefined: whatever state there is now, since the list's own is gone. */
  readonly at: number | undefined;
  readonly after: { readonly namespace: string; readonly name: string };
}

const version = 'meta.k8s.io/v1';
const anyState = -1;

/** `namespace`: the one that the list is of, '' for all. */
export function encodeContinue({ at = anyState, after }: Continuation, namespace: string): string {
  const start = namespace === '' && after.namespace !== '' ? `/${after.namespace}/${after.name}\0` : `/${after.name}\0`;
  return Buffer.from(JSON.stringify({ v: version, rv: at, start })).toString('base64url');
}

const refused = (why: string): ApiError => badRequest(`invalid continue token: continue key is not valid${why && `: ${why}`}`);

/** Throws BadRequest for what no server gave out. */
export function decodeContinue(token: string, namespace: string): Continuation {
  const wrong = token.search(/[^\w-]/);
  if (wrong >= 0) throw refused(`illegal base64 data at input byte ${wrong}`);
  let read: unknown;
  try {
    read = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch (error) {
    throw refused((error as Error).message);
  }
  if (typeof read !== 'object' || Array.isArray(read))
    throw refused(`json: cannot unmarshal ${Array.isArray(read) ? 'array' : typeof read} into Go value of type storage.continueToken`);
  const { v = '', rv = 0, start = '' } = (read ?? {}) as { v?: unknown; rv?: unknown; start?: unknown };
  if (v !== version) throw refused(`server does not recognize this encoded version ${typeof v === 'string' ? v : ''}`);
  if (!Number.isSafeInteger(rv) || rv === 0) throw refused(`incorrect encoded start resourceVersion (version ${version})`);
  if (typeof start !== 'string' || start === '') throw refused(`encoded start key empty (version ${version})`);
  const path = start.replace(/^\//, '').replace(/\0$/, '');
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..')) throw refused(start);
  const at = (rv as number) < 0 ? undefined : (rv as number);
  const slash = namespace === '' ? path.indexOf('/') : -1;
  if (slash < 0) return { at, after: { namespace, name: path } };
  return { at, after: { namespace: path.slice(0, slash), name: path.slice(slash + 1) } };
}

/** A page was asked for after its state had been trimmed; who can do with another state may go on with the token in the answer. */
export function continueExpired({ after }: Continuation, namespace: string): ApiError {
  const { status } = expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
  );
  return new ApiError({ ...status, metadata: { continue: encodeContinue({ at: undefined, after }, namespace) } });
}
