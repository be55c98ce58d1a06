import { expect, describe, it } from 'vitest';

import { applyJsonPatch, PatchError } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';
import { deepFreeze } from './frozen.ts';

const base = deepFreeze({
  metadata: { name: 'jp', labels: { a: '1', 'x/y': '2' }, finalizers: ['x.io/a', 'x.io/b'] },
  data: { k: 'v' },
});

interface Case {
  readonly name: string;
  readonly patch: readonly object[];
  readonly refused?: true;
  /** As the real server answered; null: absent or empty. */
  readonly data?: object | null;
  readonly labels?: object | null;
  readonly finalizers?: readonly string[] | null;
}

/** Answers of a real API server (1.36). */
const cases: readonly Case[] = [
  {
    name: 'add',
    patch: [{ op: 'add', path: '/data/n', value: '1' }],
    data: { k: 'v', n: '1' },
    labels: { a: '1', 'x/y': '2' },
    finalizers: ['x.io/a', 'x.io/b'],
  },
  {
    name: 'add over',
    patch: [{ op: 'add', path: '/data/k', value: '1' }],
    data: { k: '1' },
    labels: { a: '1', 'x/y': '2' },
    finalizers: ['x.io/a', 'x.io/b'],
  },
  {
    name: 'add to a list at the end',
    patch: [{ op: 'add', path: '/metadata/finalizers/-', value: 'x.io/c' }],
    data: { k: 'v' },
    labels: { a: '1', 'x/y': '2' },
    finalizers: ['x.io/a', 'x.io/b', 'x.io/c'],
  },
  {
    name: 'insert into a list',
    patch: [{ op: 'add', path: '/metadata/finalizers/1', value: 'x.io/c' }],
    data: { k: 'v' },
    labels: { a: '1', 'x/y': '2' },
    finalizers: ['x.io/a', 'x.io/c', 'x.io/b'],
  },
  {
    name: 'insert at the length',
    patch: [{ op: 'add', path: '/metadata/finalizers/2', value: 'x.io/c' }],
    data: { k: 'v' },
    labels: { a: '1', 'x/y': '2' },
    finalizers: ['x.io/a', 'x.io/b', 'x.io/c'],
  },
  { name: 'insert beyond', patch: [{ op: 'add', path: '/metadata/finalizers/3', value: 'x.io/c' }], refused: true },
  { name: 'add below what is not there', patch: [{ op: 'add', path: '/binaryData/x', value: 'MQ==' }], refused: true },
  {
    name: 'remove',
    patch: [{ op: 'remove', path: '/data/k' }],
    data: null,
    labels: { a: '1', 'x/y': '2' },
    finalizers: ['x.io/a', 'x.io/b'],
  },
  { name: 'remove absent', patch: [{ op: 'remove', path: '/data/zz' }], refused: true },
  {
    name: 'remove from a list',
    patch: [{ op: 'remove', path: '/metadata/finalizers/0' }],
    data: { k: 'v' },
    labels: { a: '1', 'x/y': '2' },
    finalizers: ['x.io/b'],
  },
  { name: 'remove beyond', patch: [{ op: 'remove', path: '/metadata/finalizers/5' }], refused: true },
  {
    name: 'replace',
    patch: [{ op: 'replace', path: '/data/k', value: 'w' }],
    data: { k: 'w' },
    labels: { a: '1', 'x/y': '2' },
    finalizers: ['x.io/a', 'x.io/b'],
  },
  {
    name: 'replace absent',
    patch: [{ op: 'replace', path: '/data/zz', value: 'w' }],
    data: { k: 'v', zz: 'w' },
    labels: { a: '1', 'x/y': '2' },
    finalizers: ['x.io/a', 'x.io/b'],
  },
  {
    name: 'replace in a list',
    patch: [{ op: 'replace', path: '/metadata/finalizers/1', value: 'x.io/z' }],
    data: { k: 'v' },
    labels: { a: '1', 'x/y': '2' },
    finalizers: ['x.io/a', 'x.io/z'],
  },
  {
    name: 'escaped slash',
    patch: [{ op: 'remove', path: '/metadata/labels/x~1y' }],
    data: { k: 'v' },
    labels: { a: '1' },
    finalizers: ['x.io/a', 'x.io/b'],
  },
  {
    name: 'move',
    patch: [{ op: 'move', from: '/data/k', path: '/data/m' }],
    data: { m: 'v' },
    labels: { a: '1', 'x/y': '2' },
    finalizers: ['x.io/a', 'x.io/b'],
  },
  { name: 'move absent', patch: [{ op: 'move', from: '/data/q', path: '/data/m' }], refused: true },
  {
    name: 'copy',
    patch: [{ op: 'copy', from: '/data/k', path: '/data/m' }],
    data: { k: 'v', m: 'v' },
    labels: { a: '1', 'x/y': '2' },
    finalizers: ['x.io/a', 'x.io/b'],
  },
  {
    name: 'test passes',
    patch: [
      { op: 'test', path: '/data/k', value: 'v' },
      { op: 'add', path: '/data/n', value: '1' },
    ],
    data: { k: 'v', n: '1' },
    labels: { a: '1', 'x/y': '2' },
    finalizers: ['x.io/a', 'x.io/b'],
  },
  {
    name: 'test fails',
    patch: [
      { op: 'test', path: '/data/k', value: 'x' },
      { op: 'add', path: '/data/n', value: '1' },
    ],
    refused: true,
  },
  {
    name: 'test of absent against null',
    patch: [{ op: 'test', path: '/data/zz', value: null }],
    data: { k: 'v' },
    labels: { a: '1', 'x/y': '2' },
    finalizers: ['x.io/a', 'x.io/b'],
  },
  { name: 'test of absent', patch: [{ op: 'test', path: '/data/zz', value: 'x' }], refused: true },
  {
    name: 'test of an object',
    patch: [{ op: 'test', path: '/metadata/labels', value: { 'x/y': '2', a: '1' } }],
    data: { k: 'v' },
    labels: { a: '1', 'x/y': '2' },
    finalizers: ['x.io/a', 'x.io/b'],
  },
  { name: 'whole document test', patch: [{ op: 'test', path: '', value: {} }], refused: true },
  { name: 'unknown op', patch: [{ op: 'foo', path: '/data/k' }], refused: true },
  { name: 'no path', patch: [{ op: 'add', value: 1 }], refused: true },
  { name: 'path without slash', patch: [{ op: 'add', path: 'data', value: {} }], refused: true },
  { name: 'nothing', patch: [], data: { k: 'v' }, labels: { a: '1', 'x/y': '2' }, finalizers: ['x.io/a', 'x.io/b'] },
  {
    name: 'one of two fails',
    patch: [
      { op: 'add', path: '/data/n', value: '1' },
      { op: 'remove', path: '/data/zz' },
    ],
    refused: true,
  },
  {
    name: 'replace null removes?',
    patch: [{ op: 'add', path: '/data', value: null }],
    data: null,
    labels: { a: '1', 'x/y': '2' },
    finalizers: ['x.io/a', 'x.io/b'],
  },
];

describe('JSON patch, as the real server does it', () => {
  it.each(cases)('$name', ({ patch, refused, data, labels, finalizers }) => {
    const apply = (): unknown => applyJsonPatch(base, patch);
    if (refused) {
      expect(apply).toThrow(PatchError);
      return;
    }
    const after = apply() as { metadata: { labels?: object; finalizers?: string[] }; data?: object | null };
    expect(Object.keys(after.data ?? {}).length === 0 ? null : after.data).toEqual(data);
    expect(after.metadata.labels).toEqual(labels);
    expect(after.metadata.finalizers).toEqual(finalizers);
  });

  it('treats __proto__ as a key like any other', () => {
    const patched = applyJsonPatch({ a: {} }, [{ op: 'add', path: '/a/__proto__', value: { polluted: true } }]) as { a: object };
    expect(Object.keys(patched.a)).toEqual(['__proto__']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

/** The examples of RFC 7396, appendix A. */
const merges: readonly (readonly [unknown, unknown, unknown])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

describe('merge patch', () => {
  it.each(merges)('%j + %j', (target, patch, result) => {
    expect(applyMergePatch(deepFreeze(target), patch)).toEqual(result);
  });
});

it('lets copies not double the document without end, and leaves what was given as it is', () => {
  const document = { data: { a: 'x'.repeat(1000) } };
  const value = { b: 1 };
  const copies = (count: number): object[] => [
    { op: 'add', path: '/data/value', value },
    { op: 'add', path: '/data/value/c', value: 2 },
    ...Array.from({ length: count }, (_, index) => ({ op: 'copy', from: '/data', path: `/data/a${index}` })),
  ];
  expect(Object.keys((applyJsonPatch(document, copies(8)) as typeof document).data)).toHaveLength(10);
  expect(() => applyJsonPatch(document, copies(60))).toThrow(PatchError);
  expect(() => applyJsonPatch(document, copies(60))).toThrow(/its copies have more than/);
  expect([document, value]).toEqual([{ data: { a: 'x'.repeat(1000) } }, { b: 1 }]);
});
