/** Bodies of requests: objects and patches. */
import { toError } from '../../base/errors.ts';
import type { Patch } from '../../kube/client.ts';
import type { KindDefinition } from '../../resources/kind.ts';

import { isMapping } from '../../resources/resolve.ts';
import { decodeBody, mediaType, readYaml } from './decode.ts';
import type { Decoded } from './decode.ts';
import { duplicateFields } from './json-scan.ts';
import type { Duplicates } from './strict.ts';
import type { ApiRequest } from './request.ts';
import { patchTypes } from './patching.ts';
import { badRequest, unsupportedPatch } from './status.ts';

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
  const { value, duplicates } = readYaml(Buffer.from(bytes).toString('utf8'), (why) => refuse(`error converting YAML to JSON: ${why}`));
  const config = value ?? {};
  if (!isMapping(config)) {
    const type = Array.isArray(config) ? 'array' : typeof config === 'boolean' ? 'bool' : typeof config;
    throw refuse(
      `error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${type} into Go value of type map[string]interface {}`,
    );
  }
  return { config, repeated: duplicates.lines ?? [] };
}

/** The patch, and the paths that it had twice. */
export async function readPatch(request: ApiRequest): Promise<{ patch: Patch; duplicates: Duplicates }> {
  // Its type is compared as it is written: other letters are another type.
  const type = patchTypes[(request.contentType.split(';')[0] as string).trim()];
  if (!type) throw unsupportedPatch();
  const bytes = await request.body();
  const before = type === 'strategic' ? '' : 'error decoding patch: ';
  const body = parseJson(bytes, before);
  try {
    return { patch: { type, body } as Patch, duplicates: { paths: duplicateFields(Buffer.from(bytes).toString('utf8')) } };
  } catch (error) {
    // It nests deeper than what is done with it could follow.
    throw badRequest(`${before}${toError(error).message}`);
  }
}

/** `before`: what the message begins with. */
export function parseJson(bytes: Uint8Array, before: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown;
  } catch (error) {
    const { message } = error as Error;
    throw badRequest(`${before}${message.charAt(0).toLowerCase()}${message.slice(1)}`);
  }
}
