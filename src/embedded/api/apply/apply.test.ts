import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Structure } from '../../../resources/structure.ts';
import { apply } from './apply.ts';
import type { Applied } from './apply.ts';
import { compare } from './compare.ts';
import type { ApplyConflicts } from './conflicts.ts';
import { empty, setOf } from './field-set.ts';
import { managersText, nobody, readManagers, sameManagers, withoutAncient } from './managers.ts';
import type { Manager, Managers } from './managers.ts';
import { managersAfterUpdate } from './update.ts';
import type { Writer } from './update.ts';

const text: Structure = { type: 'string' };
const structure: Structure = {
  type: 'object',
  fields: {
    metadata: { type: 'ref', ref: 'meta.v1.ObjectMeta' },
    data: { type: 'map', values: text },
    items: {
      type: 'list',
      list: 'map',
      keys: ['name'],
      items: { type: 'object', fields: { name: text, value: text, tags: { type: 'list', list: 'set', items: text } } },
    },
    whole: { type: 'list', list: 'atomic', items: text },
  },
};

const writer = (manager: string): Writer => ({ structure, manager, apiVersion: 'v1', subresource: '', time: 'now', ignored: empty });
const applied = (manager: string, to: Applied, config: object, force = false): Applied =>
  apply(writer(manager), to.managers, to.object, config, force);
const start: Applied = { object: {}, managers: nobody };

const value = fc.constantFrom('x', 'y');
/** Without empty lists and maps: those are forgotten once, and said again the next time, by the real server too. */
const config = fc.record(
  {
    data: fc.dictionary(fc.constantFrom('a', 'b', 'c'), value, { minKeys: 1, noNullPrototype: true }),
    items: fc.uniqueArray(fc.record({ name: fc.constantFrom('p', 'q', 'r'), value, tags: fc.uniqueArray(value, { minLength: 1 }) }), {
      minLength: 1,
      selector: ({ name }) => name,
    }),
    whole: fc.array(value, { maxLength: 2 }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

/** Configurations of two that have no field in common: one speaks of `a` and `p`, the other of `b` and `q`. */
const share = (key: string, name: string): fc.Arbitrary<object> =>
  fc.record(
    { data: fc.record({ [key]: value }), items: fc.tuple(fc.record({ name: fc.constant(name), value })) },
    { requiredKeys: [], noNullPrototype: true },
  );

const sortedItems = ({ object, managers }: Applied): unknown => {
  const { items } = object as { items?: { name: string }[] };
  return [{ ...object, ...(items && { items: items.toSorted((a, b) => (a.name < b.name ? -1 : 1)) }) }, managersText(managers)];
};

describe('apply', () => {
  it('said twice is said once', () => {
    fc.assert(
      fc.property(config, config, config, (first, second, other) => {
        const before = applied('two', applied('one', start, first), other, true);
        const once = applied('one', before, second, true);
        const twice = applied('one', once, second);
        expect(twice.object).toEqual(once.object);
        expect(sameManagers(twice.managers, once.managers)).toBe(true);
        expect(managersText(twice.managers)).toBe(managersText(once.managers));
      }),
    );
  });

  it('of two who share nothing is the same in either order', () => {
    fc.assert(
      fc.property(share('a', 'p'), share('b', 'q'), (left, right) => {
        const leftFirst = applied('right', applied('left', start, left), right);
        const rightFirst = applied('left', applied('right', start, right), left);
        expect(sortedItems(leftFirst)).toEqual(sortedItems(rightFirst));
      }),
    );
  });

  it('of nothing after something leaves what others said, and no trace of itself', () => {
    fc.assert(
      fc.property(share('a', 'p'), share('b', 'q'), (mine, theirs) => {
        const both = applied('me', applied('they', start, theirs), mine);
        const left = applied('me', both, {});
        expect([...left.managers.values()].map(({ manager }) => manager)).not.toContain('me');
        const { data, items } = left.object as { data?: object; items?: readonly { name: string }[] };
        expect(Object.keys(data ?? {})).not.toContain('a');
        expect((items ?? []).map(({ name }) => name)).not.toContain('p');
        expect(left.object).toMatchObject(theirs);
      }),
    );
  });

  it('says which fields of whom it would take', () => {
    const before = applied('one', start, { data: { a: '1' }, items: [{ name: 'p', value: '1' }] });
    const attempt = (): Applied => applied('two', before, { data: { a: '2' }, items: [{ name: 'p', value: '2' }] });
    expect(attempt).toThrow('Apply failed with 2 conflicts: conflicts with "one":\n- .data.a\n- .items[name="p"].value');
    const conflicts = (() => {
      try {
        attempt();
      } catch (error) {
        return error;
      }
      return undefined;
    })() as ApplyConflicts;
    expect(conflicts.causes[0]).toEqual({ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.a' });
    expect(conflicts.except(setOf(['f:data', 'f:a']))?.message).toBe(
      'Apply failed with 1 conflict: conflict with "one": .items[name="p"].value',
    );
  });

  it('keeps the items of others in their places', () => {
    const before = applied('one', start, { items: [{ name: 'p' }, { name: 'q' }, { name: 'r' }] });
    const after = applied('two', before, { items: [{ name: 's' }, { name: 'q', value: 'x' }] });
    expect((after.object as { items: { name: string }[] }).items.map(({ name }) => name)).toEqual(['p', 's', 'q', 'r']);
  });
});

describe('compare', () => {
  it('finds nothing in the same, and each change once', () => {
    fc.assert(
      fc.property(config, config, (before, after) => {
        expect(compare(structure, before, structuredClone(before))).toEqual({ removed: {}, modified: {}, added: {} });
        const { added, removed, modified } = compare(structure, before, after);
        const back = compare(structure, after, before);
        expect([back.removed, back.added, back.modified]).toEqual([added, removed, modified]);
      }),
    );
  });
});

describe('managers', () => {
  const updated = (managers: Managers, manager: string, before: object, after: object): Managers =>
    managersAfterUpdate(writer(manager), managers, before, after as never);

  it('survive their text', () => {
    const managers = updated(applied('one', start, { data: { a: '1' } }).managers, 'two', {}, { data: { b: '1' } });
    expect(readManagers(JSON.parse(managersText(managers)))).toEqual(managers);
    expect(managersText(nobody)).toBe('');
  });

  it('lose what another wrote', () => {
    const one = updated(nobody, 'one', {}, { data: { a: '1', b: '1' } });
    const both = updated(one, 'two', { data: { a: '1', b: '1' } }, { data: { a: '2' } });
    expect([...both.values()].map(({ manager, fields }) => [manager, fields])).toEqual([
      ['one', { 'f:data': {} }],
      ['two', { 'f:data': { 'f:a': {} } }],
    ]);
  });

  it('are the same where nothing changed', () => {
    const one = updated(nobody, 'one', {}, { data: { a: '1' } });
    expect(updated(one, 'two', { data: { a: '1' } }, { data: { a: '1' } })).toBe(one);
  });

  it('that are too many become one, the oldest first', () => {
    const entries = Array.from({ length: 12 }, (_, index): [string, Manager] => {
      const manager = `m${index}`;
      const fields = setOf(['f:data', `f:${index}`]);
      return [manager, { manager, operation: 'Update', apiVersion: 'v1', subresource: '', time: `2026-01-${10 + index}`, fields }];
    });
    const byIdentity = readManagers(JSON.parse(managersText(new Map(entries)))) as Managers;
    const kept = withoutAncient(byIdentity);
    expect(kept.size).toBe(10);
    expect([...kept.values()].find(({ manager }) => manager === 'ancient-changes')?.fields).toEqual({
      'f:data': { 'f:0': {}, 'f:1': {}, 'f:2': {} },
    });
  });

  it.each([
    [{}],
    [{ manager: 'a' }],
    ['x'],
    [{ manager: 'a', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { x: {} } }],
  ])('that cannot be read are none: %j', (entry) => {
    expect(readManagers([entry])).toBeUndefined();
  });
});
