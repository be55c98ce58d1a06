/** The inputs of tasks, as containers are given them: each in a file. */
import { TsumugiError } from '../../base/errors.ts';
import { maxDataBytes } from '../../resources/builtin/configmap.ts';

/** A text stays as it is: a shell has it at once. Anything else is JSON. */
export const itemText = (item: unknown): string => (typeof item === 'string' ? item : JSON.stringify(item));

/** Throws Invalid where a ConfigMap has no room for them. */
export function checkItems(items: readonly unknown[]): void {
  const bytes = items.reduce<number>((sum, item) => sum + Buffer.byteLength(itemText(item)), 0);
  if (bytes <= maxDataBytes) return;
  throw new TsumugiError('Invalid', `the items have ${bytes} bytes: for containers there is room for ${maxDataBytes}`, {
    field: 'spec.template.spec.items',
    hint: 'put what is large into a volume or a store, and its name into the item',
  });
}
