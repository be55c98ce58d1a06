/** Every error of the API in the words of the Kubernetes API server. */
import type { FieldError, KindDefinition } from '../../resources/kind.ts';
import { ApiError } from '../../resources/object.ts';
import type { Resource, Status } from '../../resources/object.ts';

type Details = NonNullable<Status['details']>;

/** `pods`, `functions.tsumugi.dev`: how messages name a resource, and the store's resource key. */
export const qualified = (resource: Pick<Resource, 'plural' | 'group'>): string =>
  resource.group ? `${resource.plural}.${resource.group}` : resource.plural;

function failure(code: number, reason: string, message: string, details?: Details): ApiError {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason && { reason }),
    ...(details && { details }),
    code,
  });
}

const detailsOf = (resource: Resource, name: string, more: Details = {}): Details => ({
  ...(name && { name }),
  ...(resource.group && { group: resource.group }),
  kind: resource.plural,
  ...more,
});

export const badRequest = (message: string): ApiError => failure(400, 'BadRequest', message);
export const unauthorized = (): ApiError => failure(401, 'Unauthorized', 'Unauthorized');
export const notFound = (resource: Resource, name: string): ApiError =>
  failure(404, 'NotFound', `${qualified(resource)} "${name}" not found`, detailsOf(resource, name));
export const noSuchResource = (): ApiError => failure(404, 'NotFound', 'the server could not find the requested resource', {});
export const namespaceNotFound = (name: string): ApiError =>
  failure(404, 'NotFound', `namespaces "${name}" not found`, { name, kind: 'namespaces' });
export const methodNotAllowed = (): ApiError =>
  failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
/** No route produces what the client accepts. */
export const notRepresentable = (available: string): ApiError =>
  failure(406, 'NotAcceptable', `406: Not Acceptable\n\nAvailable representations: ${available}`, {});
export const notAcceptable = (message: string): ApiError => failure(406, 'NotAcceptable', message);
/** `deleting`: what is in the way waits only for its finalizers. */
export const alreadyExists = (resource: Resource, name: string, deleting = false): ApiError =>
  failure(
    409,
    'AlreadyExists',
    `${deleting ? 'object is being deleted: ' : ''}${qualified(resource)} "${name}" already exists`,
    detailsOf(resource, name),
  );
export const entityTooLarge = (why: string): ApiError => failure(413, 'RequestEntityTooLarge', `Request entity too large: ${why}`);
export const tooLarge = (limit: number): ApiError => entityTooLarge(`limit is ${limit}`);
export const headTooLarge = (limit: number): ApiError =>
  failure(431, 'RequestHeaderFieldsTooLarge', `Request header fields too large: limit is ${limit}`);
export const requestTimeout = (): ApiError => failure(408, 'Timeout', 'the request did not come in time');
export const unsupportedMediaType = (accepted: readonly string[]): ApiError =>
  failure(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
export const internal = (message: string): ApiError =>
  failure(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
/** A malformed resourceVersion of an object answers 500 there too: clients depend on the message at most. */
export const malformed = (message: string): ApiError => failure(500, '', message);
export const unprocessable = (): ApiError => failure(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
export const expired = (message = 'The resourceVersion for the provided list is too old.'): ApiError => failure(410, 'Expired', message);
/** The disk is full: the real server has no such answer (its etcd raises an alarm that a person must take away). */
export const insufficientStorage = (message: string): ApiError => failure(507, 'InsufficientStorage', message);
export const unavailable = (message: string): ApiError => failure(503, 'ServiceUnavailable', message);

export const staleVersion = 'the object has been modified; please apply your changes to the latest version and try again';

export function conflict(resource: Resource, name: string, why = staleVersion): ApiError {
  return failure(409, 'Conflict', `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`, detailsOf(resource, name));
}

/** A precondition of a delete did not hold: here the server names the kind, not the resource. */
export function preconditionFailed(kind: KindDefinition, name: string, why: string): ApiError {
  const qualifiedKind = kind.group ? `${kind.kind}.${kind.group}` : kind.kind;
  return failure(409, 'Conflict', `Operation cannot be fulfilled on ${qualifiedKind} "${name}": ${why}`, {
    name,
    ...(kind.group && { group: kind.group }),
    kind: kind.kind,
  });
}

export function forbidden(resource: Resource, name: string, why: string, causes?: Details['causes']): ApiError {
  const what = name ? `${qualified(resource)} "${name}"` : qualified(resource);
  return failure(403, 'Forbidden', `${what} is forbidden: ${why}`, detailsOf(resource, name, causes ? { causes } : {}));
}

export const namespaceTerminating = (resource: Resource, name: string, namespace: string): ApiError =>
  forbidden(resource, name, `unable to create new content in namespace ${namespace} because it is being terminated`, [
    { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' },
  ]);

/** A list or watch that asks for a version the server has not reached. */
export const tooLargeVersion = (asked: string, current: number): ApiError =>
  failure(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });

/** 422 with all field errors, as the server joins them. */
export function invalid(kind: { readonly kind: string; readonly group: string }, name: string, errors: readonly FieldError[]): ApiError {
  const texts = errors.map((error) => `${error.field}: ${error.message}`);
  const qualifiedKind = kind.group ? `${kind.kind}.${kind.group}` : kind.kind;
  return failure(422, 'Invalid', `${qualifiedKind} "${name}" is invalid: ${texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`}`, {
    ...(name && { name }),
    ...(kind.group && { group: kind.group }),
    ...(kind.kind && { kind: kind.kind }),
    causes: errors.map(({ reason, message, field }) => ({ reason, message, field })),
  });
}

/** Query options out of range: `kind` is CreateOptions, ListOptions, … */
export const invalidOptions = (kind: string, errors: readonly FieldError[]): ApiError =>
  invalid({ kind, group: 'meta.k8s.io' }, '', errors);

/** The patched object cannot be read as its kind. */
export const invalidPatch = (shown: string, why: string): ApiError =>
  invalid({ kind: '', group: '' }, '', [
    { field: 'patch', reason: 'FieldValueInvalid', message: `Invalid value: ${JSON.stringify(shown)}: ${why}` },
  ]);

/** What a delete that took effect at once answers. */
export const deleted = (resource: Resource, name: string, uid: string): Status => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  details: detailsOf(resource, name, { uid }),
});

/** A patch of a kind that the API does not know. */
export const unsupportedPatch = (): ApiError => failure(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});

/** An apply would change what others manage. */
export const applyConflict = (message: string, causes: NonNullable<Details['causes']>): ApiError =>
  failure(409, 'Conflict', message, { causes });

export const pathForbidden = (user: string, method: string, path: string): ApiError =>
  failure(403, 'Forbidden', `forbidden: User ${JSON.stringify(user)} cannot ${method.toLowerCase()} path ${JSON.stringify(path)}`, {});
