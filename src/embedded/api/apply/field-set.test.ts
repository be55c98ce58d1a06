import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { difference, empty, has, intersection, isEmpty, isFieldSet, pathsOf, sameSet, setOf, union, without } from './field-set.ts';
import { compareElements, elementText, pathText } from './path-element.ts';

const element = fc.constantFrom('f:a', 'f:b', 'k:{"name":"a"}', 'v:"x"', 'f:__proto__');
const path = fc.array(element, { minLength: 1, maxLength: 3 });
const paths = fc.array(path, { maxLength: 8 });
const texts = (set: ReturnType<typeof setOf>): string[] => pathsOf(set, compareElements).map((each) => each.join(' '));
const unique = (all: readonly string[][]): string[] => [...new Set(all.map((each) => each.join(' ')))].sort();

describe('sets of fields', () => {
  it('have the paths they were made of, through JSON too', () => {
    fc.assert(
      fc.property(paths, (all) => {
        const set = setOf(...all);
        expect(texts(set).sort()).toEqual(unique(all));
        const read: unknown = JSON.parse(JSON.stringify(set));
        expect(isFieldSet(read) && sameSet(read, set)).toBe(true);
        expect(all.every((each) => has(set, each))).toBe(true);
      }),
    );
  });

  it('are sets', () => {
    fc.assert(
      fc.property(paths, paths, (left, right) => {
        const [a, b] = [setOf(...left), setOf(...right)];
        const [inA, inB] = [unique(left), unique(right)];
        expect(texts(union(a, b)).sort()).toEqual(unique([...left, ...right]));
        expect(texts(intersection(a, b)).sort()).toEqual(inA.filter((each) => inB.includes(each)));
        expect(texts(difference(a, b)).sort()).toEqual(inA.filter((each) => !inB.includes(each)));
        const isBelow = (each: string): boolean => inB.some((other) => each === other || each.startsWith(`${other} `));
        expect(texts(without(a, b)).sort()).toEqual(inA.filter((each) => !isBelow(each)));
        expect(sameSet(a, b)).toBe(JSON.stringify(inA) === JSON.stringify(inB));
      }),
    );
  });

  it('are written as the API writes them', () => {
    const set = setOf(['f:data'], ['f:data', 'f:a'], ['f:spec', 'f:replicas']);
    expect(set).toEqual({ 'f:data': { '.': {}, 'f:a': {} }, 'f:spec': { 'f:replicas': {} } });
    expect(has(set, ['f:spec'])).toBe(false);
    expect(difference(set, setOf(['f:data']))).toEqual({ 'f:data': { 'f:a': {} }, 'f:spec': { 'f:replicas': {} } });
    expect(isEmpty(difference(set, set))).toBe(true);
    expect(isEmpty(empty)).toBe(true);
  });

  it.each([{ 'x:a': {} }, { 'f:a': 1 }, [], null, 'f:a', { 'f:a': { '.': { b: {} } } }])('refuse what is none: %j', (value) => {
    expect(isFieldSet(value)).toBe(false);
  });
});

describe('a step of a path', () => {
  it.each([
    ['f:name', '.name'],
    ['k:{"containerPort":80,"protocol":"TCP"}', '[containerPort=80,protocol="TCP"]'],
    ['v:"x"', '[="x"]'],
    ['i:3', '[3]'],
  ])('%s reads %s', (step, text) => expect(elementText(step)).toBe(text));

  it('has its place: fields, then items by key, then values, then indices', () => {
    const steps = ['i:10', 'v:"b"', 'k:{"a":"b"}', 'f:b', 'i:9', 'v:2', 'k:{"a":"a","b":1}', 'f:a', 'k:{"a":"a"}', 'v:"a"'];
    expect(steps.toSorted(compareElements)).toEqual([
      'f:a',
      'f:b',
      'k:{"a":"a"}',
      'k:{"a":"a","b":1}',
      'k:{"a":"b"}',
      'v:2',
      'v:"a"',
      'v:"b"',
      'i:9',
      'i:10',
    ]);
    expect(pathText(['f:spec', 'k:{"name":"a"}', 'f:image'])).toBe('.spec[name="a"].image');
  });
});
