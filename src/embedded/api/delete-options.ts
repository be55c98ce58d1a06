/** What a delete is asked to mind: in its body, or, where there is none, in the query. */
import type { DeleteOptions } from '../../kube/client.ts';
import { invalid } from '../../resources/field-errors.ts';
import type { FieldError } from '../../resources/kind.ts';
import { isMapping } from '../../resources/resolve.ts';
import type { Structure } from '../../resources/structure.ts';
import { typeErrorOf } from '../../resources/type-check.ts';
import { parseJson } from './bodies.ts';
import { mediaType, objectTypes, protobufType, readYaml } from './decode.ts';
import { decodeProtobuf, ProtobufError } from './protobuf.ts';
import { dryRunError, flag, integer } from './query.ts';
import type { ApiRequest } from './request.ts';
import { badRequest, invalidOptions, unsupportedMediaType } from './status.ts';

interface Sent {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly gracePeriodSeconds?: number | null;
  readonly propagationPolicy?: string | null;
  /** The older form of the policy: true is Orphan, false is Background. */
  readonly orphanDependents?: boolean | null;
  readonly preconditions?: DeleteOptions['preconditions'] | null;
  readonly dryRun?: readonly string[] | null;
}

const text = { type: 'string' } as const;
const structure: Structure = {
  type: 'object',
  fields: {
    kind: text,
    apiVersion: text,
    gracePeriodSeconds: { type: 'integer', format: 'int64' },
    propagationPolicy: text,
    orphanDependents: { type: 'boolean' },
    preconditions: { type: 'object', fields: { uid: text, resourceVersion: text } },
    dryRun: { type: 'list', items: text },
    ignoreStoreReadErrorWithClusterBreakingPotential: { type: 'boolean' },
  },
};

/** Throws ApiError for options that cannot be read, or do not go together. */
export async function readDeleteOptions(request: ApiRequest): Promise<DeleteOptions> {
  const bytes = await request.body();
  const sent = bytes.length > 0 ? fromBody(request, bytes) : fromQuery(request.query);
  const { gracePeriodSeconds: grace, propagationPolicy: policy, orphanDependents: orphans, preconditions } = sent;
  const dryRun = sent.dryRun ?? [];
  const errors: FieldError[] = [];
  if (isGiven(policy) && !['Foreground', 'Background', 'Orphan'].includes(policy))
    errors.push({
      field: 'propagationPolicy',
      reason: 'FieldValueNotSupported',
      message: `Unsupported value: ${JSON.stringify(policy)}: supported values: "Foreground", "Background", "Orphan", "nil"`,
    });
  if (isGiven(policy) && isGiven(orphans))
    errors.unshift(invalid('propagationPolicy', policy, 'orphanDependents and deletionPropagation cannot be both set'));
  errors.push(...dryRunError(dryRun));
  if (errors.length > 0) throw invalidOptions('DeleteOptions', errors);
  const chosen = policy ?? (isGiven(orphans) ? (orphans ? 'Orphan' : 'Background') : undefined);
  return {
    ...(isGiven(grace) && { gracePeriodSeconds: grace }),
    ...(chosen && { propagationPolicy: chosen as NonNullable<DeleteOptions['propagationPolicy']> }),
    ...(preconditions && { preconditions: given(preconditions) }),
    dryRun: dryRun.length > 0,
  };
}

const isGiven = <T>(value: T | null | undefined): value is T => value !== null && value !== undefined;

/** Without what is null. */
const given = <T extends object>(object: T): T => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null)) as T;

function fromBody({ contentType }: ApiRequest, bytes: Uint8Array): Sent {
  const type = mediaType(contentType);
  if (type === protobufType) return fromProtobuf(bytes);
  if (type !== 'application/json' && type !== 'application/yaml') throw unsupportedMediaType(objectTypes);
  const options: unknown =
    type === 'application/json' ? parseJson(bytes, '') : readYaml(Buffer.from(bytes).toString('utf8'), badRequest).value;
  if (options === null || options === undefined) return {};
  if (!isMapping(options)) {
    const kind = Array.isArray(options) ? 'array' : typeof options === 'boolean' ? 'bool' : typeof options;
    const wanted = String.raw`struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }`;
    throw badRequest(`couldn't get version/kind; json parse error: json: cannot unmarshal ${kind} into Go value of type ${wanted}`);
  }
  const { kind, apiVersion = 'v1' } = options as Sent;
  if (typeof kind === 'string' && kind !== '' && kind !== 'DeleteOptions')
    throw badRequest(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`,
    );
  const wrong = typeErrorOf(structure, options, 'DeleteOptions');
  if (wrong) throw badRequest(wrong);
  return options;
}

function fromProtobuf(bytes: Uint8Array): Sent {
  try {
    return decodeProtobuf(bytes);
  } catch (error) {
    if (error instanceof ProtobufError) throw badRequest(error.message);
    throw error;
  }
}

function fromQuery(query: URLSearchParams): Sent {
  return {
    ...(query.has('gracePeriodSeconds') && { gracePeriodSeconds: integer(query, 'gracePeriodSeconds') as number }),
    ...(query.has('propagationPolicy') && { propagationPolicy: query.get('propagationPolicy') }),
    ...(query.has('orphanDependents') && { orphanDependents: flag(query, 'orphanDependents') as boolean }),
    dryRun: query.getAll('dryRun'),
  };
}
