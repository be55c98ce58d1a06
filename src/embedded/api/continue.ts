/** The opaque token between the pages of one list: where the last page ended, in which state. */
import { badRequest, expired } from './status.ts';

export interface Continuation {
  readonly at: number;
  readonly after: { readonly namespace: string; readonly name: string };
}

const version = 1;

export const encodeContinue = ({ at, after }: Continuation): string =>
  Buffer.from(JSON.stringify([version, at, after.namespace, after.name])).toString('base64url');

/** Throws BadRequest for what this server never gave out. */
export function decodeContinue(token: string): Continuation {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    throw badRequest('invalid continue token: continue key is not valid');
  }
  const [format, at, namespace, name] = Array.isArray(parsed) ? (parsed as unknown[]) : [];
  if (format !== version || !Number.isSafeInteger(at) || typeof namespace !== 'string' || typeof name !== 'string') {
    throw badRequest('invalid continue token: continue key is not valid');
  }
  return { at: at as number, after: { namespace, name } };
}

/** A page was asked for after its state had been trimmed. */
export const continueExpired = () =>
  expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
  );
