/** How a failed command tells it: `error: …` and, where there is one, ` hint: …`, on stderr. */
import { CommanderError } from 'commander';
import { TsumugiError, toError } from '../base/errors.ts';
import { ApiError, type Status } from '../resources/object.ts';
import { AnswerError } from '../client/http.ts';
import { installHint } from './kinds.ts';
import { asTyped } from './program.ts';

/** Prints what was thrown and answers the exit code: 2 for wrong usage, else 1. */
export function reportError(thrown: unknown): number {
  const { message, hint, usage, requestId } = describe(thrown);
  const lines = [`error: ${message}`, ...(requestId ? [` request: ${requestId}`] : []), ...(hint ? [` hint: ${asTyped(hint)}`] : [])];
  process.stderr.write(`${lines.join('\n')}\n`);
  return usage ? 2 : 1;
}

interface Description {
  readonly message: string;
  readonly hint?: string | undefined;
  readonly requestId?: string | undefined;
  readonly usage?: boolean;
}

/** What was thrown, in one line, and what to do about it. */
export function describe(thrown: unknown): Description {
  if (thrown instanceof CommanderError) return describeUsage(thrown);
  const error = toError(thrown);
  if (error instanceof AnswerError) return { message: error.message, hint: error.hint, requestId: error.requestId };
  if (error instanceof TsumugiError) return { message: error.message, hint: error.hint, usage: error.code === 'Usage' };
  if (error instanceof ApiError) return describeStatus(error.status);
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'EACCES' || code === 'EISDIR') return { message: error.message.replace(/^E[A-Z]+: /, '') };
  return { message: process.env['TSUMUGI_DEBUG'] ? (error.stack ?? error.message) : error.message };
}

/** An answer of the Kubernetes API, each wrong field once: its message has them all too, in a form made for machines. */
function describeStatus({ message, reason = 'Unknown', details }: Status): Description {
  // The whole API is missing, not one object.
  if (reason === 'NotFound' && !details?.name) return { message: 'the cluster does not serve this kind', hint: installHint };
  const causes = (details?.causes ?? []).map(({ field, message: says = '' }) => ({ field: field ?? '', says }));
  if (reason !== 'Invalid' || causes.length === 0) return { message: message ?? reason };
  // Our own rule for the name is stricter than the general one: one of them is enough.
  const rule = causes.some(({ field, says }) => field === '<nil>' && says.includes('metadata.name'));
  const shown = causes.filter(({ field }) => !rule || field !== 'metadata.name').map(({ field, says }) => describeCause(field, says));
  const what = [details?.kind, details?.name && `"${details.name}"`].filter(Boolean).join(' ');
  return { message: `${what} is not valid: ${shown.join('; ')}` };
}

/** Without what the API server's language leaves in its messages. */
function describeCause(field: string, says: string): string {
  const text = says.replace(/, regex used for validation is '.*?'\)/g, ')');
  return field === '' || field === '<nil>' ? text.replace(/^Invalid value: (null: )?/, '') : `${field}: ${text}`;
}

/** Commander puts its suggestion in brackets behind the message. */
function describeUsage(error: CommanderError): { message: string; hint?: string; usage: boolean } {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = /\(Did you mean (.+?)\?\)/.exec(rest.join(' '))?.[1];
  return {
    message: first,
    hint: suggestion ? `did you mean ${suggestion}?` : 'see `tsumugi help` and `tsumugi COMMAND --help`',
    usage: true,
  };
}
