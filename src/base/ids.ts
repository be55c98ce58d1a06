import { randomBytes, randomUUID } from 'node:crypto';

/** A random id of a Kubernetes object's `metadata.uid`. */
export function newUid(): string {
  return randomUUID();
}

/** A secret of 256 bits, URL-safe: bearer tokens, instance tokens. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

const nameAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** A random suffix as Kubernetes' generateName makes it: no vowels, so no words; `length` characters (5). */
export function nameSuffix(length = 5): string {
  let text = '';
  for (const byte of randomBytes(length)) text += nameAlphabet[byte % nameAlphabet.length];
  return text;
}
