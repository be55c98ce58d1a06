/* oxlint-disable typescript/unbound-method -- members are looked at, not called */
/** Every member of undici's classes is there, in the same form. */
import { describe, expect, test } from 'vitest';
import { ours, slips, theirs } from './testing/compare.ts';

describe('shape', () => {
  for (const name of ['Headers', 'Request', 'Response'] as const) {
    test(`${name} has every member of undici's, as enumerable and of the same length`, () => {
      const members = (type: object, skip: readonly string[]): unknown =>
        Object.fromEntries(
          Object.entries(Object.getOwnPropertyDescriptors(type))
            .filter(([key]) => !skip.includes(key))
            .map(([key, { enumerable, get, value }]) => [
              key,
              { enumerable, getter: get !== undefined, length: typeof value === 'function' ? value.length : undefined },
            ])
            .sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1)),
        );
      expect(members(ours[name].prototype, ['constructor', ...slips])).toEqual(members(theirs[name].prototype, ['constructor', ...slips]));
      expect(members(ours[name], ['prototype', 'name'])).toEqual(members(theirs[name], ['prototype', 'name']));
      expect(Object.prototype.toString.call(ours[name].prototype)).toBe(Object.prototype.toString.call(theirs[name].prototype));
    });

    test(`${name}'s members refuse foreign objects`, async () => {
      for (const [key, { get, value }] of Object.entries(Object.getOwnPropertyDescriptors(ours[name].prototype)) as [
        string,
        PropertyDescriptor,
      ][]) {
        if (key === 'constructor') continue;
        const member = (get ?? value) as (...args: unknown[]) => unknown;
        if (['text', 'json', 'bytes', 'arrayBuffer', 'blob', 'formData'].includes(key)) {
          await expect(member.call({})).rejects.toThrow(TypeError);
        } else expect(() => member.call({}, 'a', 'b'), key).toThrow(TypeError);
      }
    });
  }
});
