/** `GET …/pods/NAME/log`: the options are checked here, the bytes come from the node. */
import type { FieldError } from '../../resources/kind.ts';
import type { Reply } from './answers.ts';
import type { Call } from './core.ts';
import type { ApiRequest } from './request.ts';
import { timeError } from './go-text.ts';
import { containerOf } from './pod-container.ts';
import type { PodLike } from './pod-container.ts';
import type { PodAccess, PodLogOptions } from './pod-access.ts';
import { objectOf } from './rows.ts';
import type { ApiServer } from './server.ts';
import { badRequest, invalid, unavailable } from './status.ts';

const text = { 'content-type': 'text/plain; charset=utf-8' } as const;

export async function podLogReply(server: ApiServer, access: PodAccess | undefined, call: Call, request: ApiRequest): Promise<Reply> {
  const pod = objectOf<PodLike>(await server.get(call));
  const options = logOptions(pod, request);
  if (!pod.spec?.nodeName) return { status: 204, headers: text, body: '' };
  if (!access) throw unavailable('this server has no node that could read the log');
  const chunks = access.log(pod, options)[Symbol.asyncIterator]();
  // The first chunk is read before the head is sent: what is wrong with the log is a Status, not a broken stream.
  const first = chunks.next();
  const soon = options.follow ? await Promise.race([first, silence()]) : await first;
  if (soon?.done) return { status: 200, headers: text, body: '' };
  return { status: 200, headers: text, body: rest(chunks, first) };
}

/** A followed log may be silent for long: its head is sent all the same. */
const silence = (): Promise<undefined> => new Promise((resolve) => setTimeout(resolve, 50, undefined));

async function* rest(chunks: AsyncIterator<Uint8Array>, first: Promise<IteratorResult<Uint8Array>>): AsyncGenerator<Uint8Array> {
  try {
    for (let next = await first; !next.done; next = await chunks.next()) yield next.value;
  } finally {
    await chunks.return?.();
  }
}

function logOptions(pod: PodLike, { query, signal }: ApiRequest): PodLogOptions {
  const { name } = pod.metadata;
  const errors: FieldError[] = [];
  const count = (field: string, least: number): number | undefined => {
    const given = query.get(field);
    if (given === null || given === '') return undefined;
    const value = Number(given);
    if (!Number.isInteger(value)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(given)}: invalid syntax`);
    const says = least === 0 ? 'must be greater than or equal to 0' : 'must be greater than 0';
    if (value < least) errors.push({ field, reason: 'FieldValueInvalid', message: `Invalid value: ${value}: ${says}` });
    return value;
  };
  const flag = (field: string): boolean => query.has(field) && query.get(field) !== 'false' && query.get(field) !== '0';
  const tailLines = count('tailLines', 0);
  const limitBytes = count('limitBytes', 1);
  const sinceSeconds = count('sinceSeconds', 1);
  const sinceTime = query.get('sinceTime') || undefined;
  const wrong = sinceTime === undefined ? undefined : timeError(sinceTime);
  if (wrong !== undefined) throw badRequest(wrong);
  if (sinceTime !== undefined && query.has('sinceSeconds')) {
    errors.splice(0, errors.length, {
      field: '[]',
      reason: 'FieldValueForbidden',
      message: 'Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
    });
  }
  // A newer option of logs, off by default there.
  if (query.get('stream')) errors.push({ field: 'stream', reason: 'FieldValueForbidden', message: 'Forbidden: may not be specified' });
  if (errors.length > 0) throw invalid({ kind: 'PodLogOptions', group: '' }, name, errors);
  return {
    container: containerOf(pod, query.get('container')),
    follow: flag('follow'),
    previous: flag('previous'),
    timestamps: flag('timestamps'),
    ...(tailLines !== undefined && { tailLines }),
    ...(limitBytes !== undefined && { limitBytes }),
    ...(sinceSeconds !== undefined && { sinceSeconds }),
    ...(sinceTime !== undefined && { sinceTime }),
    signal: signal ?? new AbortController().signal,
  };
}
