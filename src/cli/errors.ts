/** How a failed command tells it: `error: …` and, where there is one, ` hint: …`, on stderr. */
import { CommanderError } from 'commander';
import { TsumugiError, toError } from '../base/errors.ts';
import { ApiError } from '../resources/object.ts';

/** Prints what was thrown and answers the exit code: 2 for wrong usage, else 1. */
export function reportError(thrown: unknown): number {
  const { message, hint, usage } = describe(thrown);
  process.stderr.write(`error: ${message}\n${hint ? ` hint: ${hint}\n` : ''}`);
  return usage ? 2 : 1;
}

function describe(thrown: unknown): { message: string; hint?: string | undefined; usage?: boolean } {
  if (thrown instanceof CommanderError) return describeUsage(thrown);
  const error = toError(thrown);
  if (error instanceof TsumugiError) return { message: error.message, hint: error.hint, usage: error.code === 'Usage' };
  if (error instanceof ApiError) {
    const causes = error.status.details?.causes?.map((cause) => `${cause.field ?? ''}: ${cause.message ?? cause.reason ?? ''}`) ?? [];
    return { message: error.message, hint: causes.length > 1 ? causes.join('\n       ') : undefined };
  }
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'EACCES' || code === 'EISDIR') return { message: error.message.replace(/^E[A-Z]+: /, '') };
  return { message: process.env['TSUMUGI_DEBUG'] ? (error.stack ?? error.message) : error.message };
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
