import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { StreamTable } from './streams.ts';

test('it holds what a Map holds, however long some streams live', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ steps: fc.integer({ min: 1, max: 400 }), end: fc.integer({ min: 0, max: 3000 }) }), { maxLength: 200 }),
      (actions) => {
        const table = new StreamTable<{ stream: number }>();
        const map = new Map<number, { stream: number }>();
        let stream = 0;
        for (const { steps, end } of actions) {
          stream += steps;
          const value = { stream };
          table.set(stream, value);
          map.set(stream, value);
          expect(table.delete(end)).toBe(map.delete(end));
          for (const id of [end, stream, stream - 256, stream - 512]) expect(table.get(id)).toBe(map.get(id));
          expect(table.size).toBe(map.size);
        }
        expect(new Set(table.values())).toEqual(new Set(map.values()));
        table.clear();
        expect([table.size, table.values()]).toEqual([0, []]);
      },
    ),
  );
});
