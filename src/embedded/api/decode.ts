/** From the bytes of a request to an object of the wanted kind: JSON, YAML, protobuf; refusals in the API server's words. */
import { isAlias, isMap, isScalar, isSeq, parseAllDocuments } from 'yaml';
import type { Document, Node } from 'yaml';

import type { KindDefinition } from '../../resources/kind.ts';
import { apiVersionOf, kindOf } from '../../resources/kinds.ts';
import type { KubeObject } from '../../resources/object.ts';
import { isMapping, type Json } from '../../resources/resolve.ts';
import { duplicateFields } from './json-scan.ts';
import { decodeProtobuf, ProtobufError } from './protobuf.ts';
import { noDuplicates } from './strict.ts';
import type { Duplicates } from './strict.ts';
import { badRequest, invalid, unsupportedMediaType } from './status.ts';

export const protobufType = 'application/vnd.kubernetes.protobuf';
export const objectTypes: readonly string[] = ['application/json', 'application/yaml', protobufType];

export interface Decoded {
  /** Its apiVersion and kind are the wanted kind's; all else is as it was sent. */
  readonly object: KubeObject;
  readonly duplicates: Duplicates;
}

/** `application/json` of `application/json; charset=utf-8`; an absent type is JSON. */
export const mediaType = (contentType: string): string => (contentType.split(';')[0] ?? '').trim().toLowerCase() || 'application/json';

/**
 * The object in a body. Throws ApiError: 415 for another content type, 400 for a body that is not an object of the kind.
 *
 * @example decodeBody(bytes, 'application/yaml', configMapKind).object.metadata.name
 */
export function decodeBody(bytes: Uint8Array, contentType: string, kind: KindDefinition): Decoded {
  const type = mediaType(contentType);
  const unrecognized = (why: string): Error =>
    badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): ${why} (${summary(bytes)})`);
  if (type === protobufType && kind.origin === 'builtin')
    return { object: typed(fromProtobuf(bytes, unrecognized), kind, unrecognized), duplicates: noDuplicates };
  if (type !== 'application/json' && type !== 'application/yaml') throw unsupportedMediaType(objectTypes);
  const text = Buffer.from(bytes).toString('utf8');
  const { value, duplicates } = type === 'application/json' ? fromJson(text, unrecognized) : readYaml(text, unrecognized);
  return { object: typed(value, kind, unrecognized), duplicates };
}

type Refusal = (why: string) => Error;

export interface Parsed {
  readonly value: unknown;
  readonly duplicates: Duplicates;
}

/** The start of the body, as the server shows it: text when it looks like JSON, else in hex. */
function summary(bytes: Uint8Array): string {
  if (bytes.length === 0) return '<empty>';
  const start = Buffer.from(bytes.subarray(0, 30));
  return `${bytes[0] === 0x7b ? start.toString('utf8') : start.toString('hex')}${bytes.length > 30 ? ' ...' : ''}`;
}

function fromJson(text: string, unrecognized: Refusal): Parsed {
  try {
    const paths = duplicateFields(text);
    return { value: JSON.parse(text), duplicates: { paths, json: text } };
  } catch (error) {
    if (error instanceof SyntaxError) throw unrecognized(`couldn't get version/kind; json parse error: ${error.message}`);
    throw error;
  }
}

function fromProtobuf(bytes: Uint8Array, unrecognized: Refusal): KubeObject {
  try {
    return decodeProtobuf(bytes);
  } catch (error) {
    if (error instanceof ProtobufError) throw unrecognized(error.message);
    throw error;
  }
}

/** YAML 1.1, as Kubernetes reads it (`yes` is a boolean), but no dates, sets or binaries: what JSON cannot say stays text. */
const plainTags = new Set(['map', 'seq', 'str', 'null', 'bool', 'int', 'float', 'merge'].map((name) => `tag:yaml.org,2002:${name}`));

/** Throws what `unrecognized` makes of the reason. */
export function readYaml(text: string, unrecognized: Refusal): Parsed {
  try {
    const [document] = parseAllDocuments(text, {
      version: '1.1',
      merge: true,
      uniqueKeys: false,
      logLevel: 'silent',
      customTags: (tags) => tags.filter((tag) => typeof tag !== 'string' && plainTags.has(tag.tag)),
    }) as Document[];
    const [error] = document?.errors ?? [];
    if (!document) return { value: null, duplicates: noDuplicates };
    if (error) throw unrecognized(`yaml: ${error.message.split('\n')[0]}`);
    return { value: document.toJS({ maxAliasCount: 100 }) as unknown, duplicates: yamlDuplicates(document, text) };
  } catch (error) {
    // Too many aliases (ReferenceError) or too deep (RangeError): nothing that a person wrote.
    if (error instanceof ReferenceError || error instanceof RangeError) throw unrecognized(`yaml: ${error.message}`);
    throw error;
  }
}

function yamlDuplicates(document: Document, text: string): Duplicates {
  const found = new Set<string>();
  const lines: string[] = [];
  const visit = (node: Node | null | undefined, path: string): void => {
    if (isAlias(node)) return;
    if (isSeq(node)) node.items.forEach((item, index) => visit(item as Node, `${path}[${index}]`));
    if (!isMap(node)) return;
    const seen = new Set<string>();
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : '';
      const at = path === '' ? name : `${path}.${name}`;
      if (seen.has(name)) {
        found.add(at);
        const line = text.slice(0, isScalar(key) ? key.range?.[0] : 0).split('\n').length;
        lines.push(`line ${line}: key ${JSON.stringify(name)} already set in map`);
      }
      seen.add(name);
      visit(value as Node | null, at);
    }
  };
  visit(document.contents, '');
  return { paths: [...found], lines };
}

const typeMetaGo = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

const goTypeOf = (value: unknown): string => (Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value);

/** Checks what the object says it is. Built-in kinds may leave it out, custom ones may not: so does the real server. */
function typed(value: unknown, kind: KindDefinition, unrecognized: Refusal): KubeObject {
  const sent = value ?? {};
  const wrong = (why: string): Error => unrecognized(`couldn't get version/kind; json parse error: json: cannot unmarshal ${why}`);
  if (!isMapping(sent)) throw wrong(`${goTypeOf(sent)} into Go value of type ${typeMetaGo}`);
  for (const field of ['apiVersion', 'kind'] as const) {
    const said = sent[field];
    if (said !== undefined && said !== null && typeof said !== 'string')
      throw wrong(`${goTypeOf(said)} into Go struct field .${field} of type string`);
  }
  const wanted = apiVersionOf(kind);
  if (kind.origin === 'custom') checkCustomType(sent, kind, wanted, unrecognized);
  else checkBuiltinType(sent, kind, wanted);
  return { ...sent, apiVersion: wanted, kind: kind.kind, metadata: sent['metadata'] ?? {} } as KubeObject;
}

function checkCustomType(sent: Json, kind: KindDefinition, wanted: string, unrecognized: Refusal): void {
  const { apiVersion = '', kind: said } = sent as Partial<KubeObject>;
  if (!said) throw unrecognized(`Object 'Kind' is missing in '${JSON.stringify(sent)}'`);
  if (apiVersion !== wanted)
    throw badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${wanted})`);
  if (said === kind.kind) return;
  const { metadata } = sent as Partial<KubeObject>;
  const name = typeof metadata?.name === 'string' ? metadata.name : '';
  throw invalid({ kind: said, group: kind.group }, name, [
    { field: 'kind', reason: 'FieldValueInvalid', message: `Invalid value: ${JSON.stringify(said)}: must be ${kind.kind}` },
  ]);
}

function checkBuiltinType(sent: Json, kind: KindDefinition, wanted: string): void {
  const apiVersion = (sent['apiVersion'] as string | null | undefined) || wanted;
  const said = (sent['kind'] as string | null | undefined) || kind.kind;
  if (apiVersion === wanted && said === kind.kind) return;
  const isKnown = kindOf({ apiVersion, kind: said })?.origin === 'builtin';
  const why = isKnown
    ? `converting (${apiVersion.split('/').at(-1)}.${said}) to (${kind.group.split('.')[0] || 'core'}.${kind.kind}): unknown conversion`
    : `no kind ${JSON.stringify(said)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`;
  throw badRequest(`${said} in version ${JSON.stringify(apiVersion.split('/').at(-1))} cannot be handled as a ${kind.kind}: ${why}`);
}
