/**
 * The protobuf bodies that kubectl (since 1.32) and Go's typed clients send: `k8s\0`, then runtime.Unknown around the object. Read
 * only, by the tables of `protobuf-tables.ts`; nothing is ever answered in this form.
 */
import type { KubeObject } from '../../resources/object.ts';
import { kinds, message, type MessageTable } from './protobuf-tables.ts';

const typeMeta = message({ 1: ['apiVersion', 'string'], 2: ['kind', 'string'] });
const magic = Buffer.from('k8s\0');

/** The bytes are no object that this server reads in protobuf. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
}

/** The object in a protobuf body, as its JSON would be. Throws ProtobufError. */
export function decodeProtobuf(bytes: Uint8Array): KubeObject {
  if (!magic.equals(bytes.subarray(0, magic.length)))
    throw new ProtobufError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  let type: Record<string, unknown> = {};
  let raw: Uint8Array = new Uint8Array();
  for (const { number, value } of fieldsOf(bytes.subarray(magic.length))) {
    if (number === 1) type = decodeMessage(typeMeta, bytesOf(value));
    else if (number === 2) raw = bytesOf(value);
  }
  const { apiVersion = '', kind = '' } = type as { apiVersion?: string; kind?: string };
  // Options of a delete come as of the version of what is deleted.
  const name = kind === 'DeleteOptions' ? kind : `${apiVersion} ${kind}`;
  const table = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (!table)
    throw new ProtobufError(
      `protobuf bodies of kind ${JSON.stringify(kind)} in ${JSON.stringify(apiVersion)} are not read here: send JSON`,
    );
  return { apiVersion, kind, ...decodeMessage(table, raw) } as KubeObject;
}

interface WireField {
  readonly number: number;
  readonly value: bigint | Uint8Array;
}

function* fieldsOf(bytes: Uint8Array): Generator<WireField> {
  const reader = new Reader(bytes);
  while (!reader.done) {
    const tag = Number(reader.varint());
    const number = tag >>> 3;
    const wire = tag & 7;
    if (number === 0) throw new ProtobufError(`proto: illegal tag ${number} (wire type ${wire})`);
    if (wire === 0) yield { number, value: reader.varint() };
    else if (wire === 2) yield { number, value: reader.take(Number(reader.varint())) };
    else if (wire === 1) yield { number, value: reader.take(8) };
    else if (wire === 5) yield { number, value: reader.take(4) };
    else throw new ProtobufError(`proto: illegal wireType ${wire}`);
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new ProtobufError('unexpected EOF');
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(64, value);
    }
    throw new ProtobufError('proto: integer overflow');
  }

  take(length: number): Uint8Array {
    if (length < 0 || this.#at + length > this.#bytes.length) throw new ProtobufError('unexpected EOF');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

function bytesOf(value: bigint | Uint8Array): Uint8Array {
  if (typeof value === 'bigint') throw new ProtobufError('proto: wrong wireType = 0 for a message');
  return value;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function stringOf(value: bigint | Uint8Array): string {
  try {
    return utf8.decode(bytesOf(value));
  } catch {
    throw new ProtobufError('proto: string field contains invalid UTF-8');
  }
}

const numberOf = (value: bigint | Uint8Array): number => (typeof value === 'bigint' ? Number(value) : 0);
const base64Of = (value: bigint | Uint8Array): string => Buffer.from(bytesOf(value)).toString('base64');

/** kubectl writes empty strings and zeros of fields that were never set: as in JSON, they are left out. */
function decodeMessage(table: MessageTable, bytes: Uint8Array): Record<string, unknown> {
  const found = new Map<string, unknown>();
  const append = (name: string, item: unknown): void => {
    const list = (found.get(name) as unknown[] | undefined) ?? [];
    found.set(name, [...list, item]);
  };
  for (const { number, value } of fieldsOf(bytes)) {
    const field = table.fields[number];
    if (!field && table.isPart && value !== 0n && (value as Uint8Array).length !== 0)
      throw new ProtobufError(`protobuf bodies with field ${number} beside ${namesIn(table)} are not read here: send JSON`);
    if (!field || field.type === 'ignored') continue;
    const { name, type } = field;
    if (type === 'string') found.set(name, stringOf(value) || undefined);
    else if (type === 'string?') found.set(name, stringOf(value));
    else if (type === 'bytes') found.set(name, base64Of(value));
    else if (type === 'bool') found.set(name, numberOf(value) !== 0);
    else if (type === 'int') found.set(name, numberOf(value) || undefined);
    else if (type === 'int?') found.set(name, numberOf(value));
    else if (type === 'time') found.set(name, timeOf(bytesOf(value), 'seconds'));
    else if (type === 'microTime') found.set(name, timeOf(bytesOf(value), 'microseconds'));
    else if (type === 'strings') append(name, stringOf(value));
    else if (type === 'stringMap') append(name, entryOf(bytesOf(value), stringOf));
    else if (type === 'bytesMap') append(name, entryOf(bytesOf(value), base64Of));
    else if (type === 'quantityMap') append(name, entryOf(bytesOf(value), quantityOf));
    else if ('fields' in type) found.set(name, decodeMessage(type, bytesOf(value)));
    else append(name, decodeMessage(type[0], bytesOf(value)));
  }
  for (const { name, type } of Object.values(table.fields)) {
    if (typeof type === 'string' && type.endsWith('Map') && found.has(name))
      found.set(name, Object.fromEntries(found.get(name) as [string, string][]));
  }
  return Object.fromEntries([...found].filter(([, value]) => value !== undefined));
}

const namesIn = ({ fields }: MessageTable): string =>
  Object.values(fields)
    .map(({ name }) => name)
    .join(', ');

/** A message of one field, the text. */
const quantityOf = (value: bigint | Uint8Array): string =>
  stringOf([...fieldsOf(bytesOf(value))].find(({ number }) => number === 1)?.value ?? new Uint8Array());

function entryOf(bytes: Uint8Array, read: (value: bigint | Uint8Array) => string): [string, string] {
  let [key, item] = ['', ''];
  for (const { number, value } of fieldsOf(bytes)) {
    if (number === 1) key = stringOf(value);
    else if (number === 2) item = read(value);
  }
  return [key, item];
}

/** A Time without seconds was never set. */
function timeOf(bytes: Uint8Array, precision: 'seconds' | 'microseconds'): string | undefined {
  let [seconds, nanos] = [0, 0];
  for (const { number, value } of fieldsOf(bytes)) {
    if (number === 1) seconds = numberOf(value);
    else if (number === 2) nanos = numberOf(value);
  }
  if (seconds <= 0) return undefined;
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) throw new ProtobufError('a time is out of range');
  const text = date.toISOString().slice(0, 19);
  return precision === 'seconds' ? `${text}Z` : `${text}.${String(Math.trunc(nanos / 1000)).padStart(6, '0')}Z`;
}
