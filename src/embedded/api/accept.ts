/** What a client accepts: JSON or YAML, pretty or not, and in which form. The rules and refusals are the API server's. */
import { stringify } from 'yaml';

import { textOf } from './answers.ts';
import type { Reply } from './answers.ts';
import type { ApiRequest } from './request.ts';
import { notAcceptable, notRepresentable } from './status.ts';

/** `application/json;as=Table;g=meta.k8s.io;v=v1`: something other than the object itself. */
export interface Form {
  readonly as: string;
  readonly group: string;
  readonly version: string;
}

interface Accepted {
  readonly type: 'application/json' | 'application/yaml';
  readonly pretty: boolean;
  readonly form?: Form;
}

export interface Offer {
  /** Forms that can be answered. */
  readonly forms?: (form: Form) => boolean;
  /** A stream: there is no YAML of it. */
  readonly stream?: boolean;
  /** The path can be watched, whether it is now or not: what is refused is told so. */
  readonly watchable?: boolean;
  /** Served by a custom resource's handler: a type outside of those that are produced is refused in other words. */
  readonly custom?: boolean;
}

const protobuf = 'application/vnd.kubernetes.protobuf';
const types = ['application/json', 'application/yaml'] as const;

interface Choice {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

function choicesOf(accept: string): Choice[] {
  const choices = accept.split(',').map((choice): Choice => {
    const [type = '', ...rest] = choice.split(';').map((part) => part.trim());
    const parameters = new Map(rest.map((each) => each.split('=').map((part) => part.trim()) as [string, string]));
    const quality = Number(parameters.get('q') ?? 1);
    return { type, parameters, quality: Number.isNaN(quality) ? 1 : quality };
  });
  return choices.toSorted((a, b) => b.quality - a.quality);
}

/** Protobuf is not among what we have, but named where the client did not ask for it: so are the words. */
const listed = (accept: string, suffix = ''): string =>
  [...types.filter((type) => suffix === '' || type === 'application/json'), ...(accept.includes(protobuf) ? [] : [protobuf])]
    .map((type) => type + suffix)
    .join(', ');

/** The first of the client's wishes that can be met. Throws 406. */
export function negotiate(accept: string, { forms, stream = false, watchable = stream, custom = false }: Offer = {}): Accepted {
  if (accept === '') return { type: 'application/json', pretty: false };
  const choices = choicesOf(accept);
  const produced: readonly string[] = [...types, protobuf];
  if (!custom && !choices.some(({ type }) => type === '*/*' || produced.includes(type)))
    throw notRepresentable(`${produced.join(', ')}${watchable ? `, application/json;stream=watch, ${protobuf};stream=watch` : ''}`);
  for (const { type: wanted, parameters } of choices) {
    for (const type of types) {
      if (wanted !== '*/*' && wanted !== 'application/*' && wanted !== type) continue;
      if (stream && type !== 'application/json') continue;
      const form = formOf(parameters);
      if (form && !forms?.(form)) continue;
      return { type, pretty: parameters.get('pretty') === '1', ...(form && { form }) };
    }
  }
  throw notAcceptable(`only the following media types are accepted: ${listed(accept, stream ? ';stream=watch' : '')}`);
}

function formOf(parameters: ReadonlyMap<string, string>): Form | undefined {
  const [as, group, version] = ['as', 'g', 'v'].map((name) => parameters.get(name));
  if (as === undefined && group === undefined && version === undefined) return undefined;
  return { as: as ?? '', group: group ?? '', version: version ?? '' };
}

/** People who look with a browser or curl see it pretty. */
function wantsPretty({ query, userAgent = '' }: ApiRequest): boolean {
  const said = query.get('pretty');
  if (said !== null) return said !== 'false' && said !== '0';
  return /^(curl|Wget|Mozilla\/5\.0)/.test(userAgent);
}

/** The reply as the client can read it: ours are made as JSON in one line. */
export async function encoded(reply: Reply, request: ApiRequest): Promise<Reply> {
  const { type, pretty } = typeOf(request);
  const isOurs = reply.headers['content-type'] === 'application/json' && !request.path.startsWith('/openapi');
  if (!isOurs || reply.body === '' || reply.endless || (type === 'application/json' && !pretty && !wantsPretty(request))) return reply;
  const value = JSON.parse(await textOf(reply.body)) as unknown;
  if (type === 'application/json') return { ...reply, body: `${JSON.stringify(value, null, 2)}\n` };
  const body = stringify(value, { version: '1.1', sortMapEntries: true, lineWidth: 0, indentSeq: false, aliasDuplicateObjects: false });
  return { ...reply, headers: { ...reply.headers, 'content-type': type }, body };
}

/** Who accepts nothing that we have is told so in JSON. */
function typeOf({ accept }: ApiRequest): Accepted {
  try {
    return negotiate(accept, { forms: () => true, custom: true });
  } catch {
    return { type: 'application/json', pretty: false };
  }
}
