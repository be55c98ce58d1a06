/** `--permission`: one word for each thing that the code of a function may do in its namespace. */
import { manageable, type Manageable, type Permissions } from '../resources/permissions.ts';

export const permissionWords = [...manageable, 'runners', 'emit', 'store'] as const;

/** What a function has already, and these words besides. */
export function withPermissions(current: Permissions | undefined, words: readonly string[]): Permissions {
  const manage = words.filter((word): word is Manageable => (manageable as readonly string[]).includes(word));
  const all = [...new Set([...(current?.manage ?? []), ...manage])];
  return {
    ...current,
    ...(all.length > 0 && { manage: all }),
    ...(words.includes('runners') && { run: ['runners'] }),
    ...(words.includes('emit') && { emit: true }),
    ...(words.includes('store') && { store: true }),
  };
}
