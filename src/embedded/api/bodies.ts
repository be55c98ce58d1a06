/** Bodies of requests: objects, patches, options of a delete. */
import { parse as parseYaml } from 'yaml';

import type { Patch } from '../../kube/client.ts';
import type { KindDefinition } from '../../resources/kind.ts';
import { isMapping } from '../../resources/resolve.ts';
import { decodeBody, mediaType, objectTypes, protobufType, readYaml } from './decode.ts';
import type { Decoded } from './decode.ts';
import { decodeProtobuf, ProtobufError } from './protobuf.ts';
import type { ApiRequest } from './request.ts';
import { patchTypes } from './patching.ts';
import { badRequest, unsupportedMediaType, unsupportedPatch } from './status.ts';

export interface DeleteBody {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: string;
  /** The older form of the policy: true is Orphan, false is Background. */
  readonly orphanDependents?: boolean;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: readonly string[];
}

/** The object that was sent, and the paths it had twice. */
export async function readBody(request: ApiRequest, kind: KindDefinition): Promise<Decoded> {
  return decodeBody(await request.body(), request.contentType, kind);
}

/** Server-side apply, in YAML: JSON is YAML, too. */
export const isApply = (request: ApiRequest): boolean => mediaType(request.contentType) === 'application/apply-patch+yaml';

/** The configuration, and its keys that stand twice. */
export async function readApply(request: ApiRequest): Promise<{ config: object; repeated: readonly string[] }> {
  const bytes = await request.body();
  const refuse = (why: string): Error => badRequest(`error decoding YAML: ${why}`);
  const { value, repeated = [] } = readYaml(Buffer.from(bytes).toString('utf8'), (why) => refuse(`error converting YAML to JSON: ${why}`));
  const config = value ?? {};
  if (!isMapping(config)) {
    const type = Array.isArray(config) ? 'array' : typeof config === 'boolean' ? 'bool' : typeof config;
    throw refuse(
      `error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${type} into Go value of type map[string]interface {}`,
    );
  }
  return { config, repeated };
}

export async function readPatch(request: ApiRequest): Promise<Patch> {
  const type = patchTypes[mediaType(request.contentType)];
  if (!type) throw unsupportedPatch();
  return { type, body: parseJson(await request.body(), 'error decoding patch: ') } as Patch;
}

export async function readDeleteOptions(request: ApiRequest): Promise<DeleteBody> {
  const bytes = await request.body();
  if (bytes.length === 0) return {};
  const type = mediaType(request.contentType);
  if (type === protobufType) return protobufOptions(bytes);
  if (type !== 'application/json' && type !== 'application/yaml') throw unsupportedMediaType(objectTypes);
  const options = type === 'application/json' ? parseJson(bytes, '') : (parseYaml(Buffer.from(bytes).toString('utf8')) as unknown);
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw badRequest('the body of a delete must be DeleteOptions');
  return options;
}

function protobufOptions(bytes: Uint8Array): DeleteBody {
  try {
    return decodeProtobuf(bytes) as DeleteBody;
  } catch (error) {
    if (error instanceof ProtobufError) throw badRequest(error.message);
    throw error;
  }
}

function parseJson(bytes: Uint8Array, before: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown;
  } catch (error) {
    const { message } = error as Error;
    throw badRequest(`${before}${message.charAt(0).toLowerCase()}${message.slice(1)}`);
  }
}
