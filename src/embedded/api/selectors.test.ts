import { describe, expect, it } from 'vitest';

import { fieldMatcher } from './field-selector.ts';
import { labelMatcher } from './label-selector.ts';

const labels = { app: 'web', tier: 'front', count: '7', 'example.com/x': '', empty: '' };

describe('label selectors', () => {
  it.each([
    ['app=web', true],
    ['app==web', true],
    [' app = web , tier = front ', true],
    ['app=web,tier=back', false],
    ['app!=web', false],
    ['none!=web', true],
    ['app in (web, db)', true],
    ['app in (db)', false],
    ['none in (db)', false],
    ['none in ()', false],
    ['empty in ()', true],
    ['empty in (,a)', true],
    ['app notin (db,cache)', true],
    ['none notin (db)', true],
    ['app', true],
    ['none', false],
    ['!none', true],
    ['! app', false],
    ['example.com/x=', true],
    ['empty=', true],
    ['app=', false],
    ['count>6', true],
    ['count<7', false],
    ['app>1', false],
    ['toString', false],
    ['!constructor', true],
  ])('%s -> %s', (selector, expected) => {
    expect(labelMatcher(selector)?.(labels)).toBe(expected);
  });

  it.each(['', '  ', undefined])('%j selects everything', (selector) => {
    expect(labelMatcher(selector)).toBeUndefined();
  });

  // As a real server says it.
  it.each([
    ['x=1,y in (a', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['x=1=2', "found '=', expected: ',' or 'end of string'"],
    ['x gt 5', "unable to parse requirement: found 'gt', expected: in, notin, =, ==, !=, gt, lt"],
    ['a b=5', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    [',', "found ',', expected: !, identifier, or 'end of string'"],
  ])('%s is refused: %s', (selector, message) => {
    expect(() => labelMatcher(selector)).toThrow(message);
  });
});

describe('field selectors', () => {
  const fields = { 'metadata.name': 'a', 'metadata.namespace': 'ns', 'status.phase': 'Running' };
  const matches = (selector: string): boolean | undefined =>
    fieldMatcher(selector, { origin: 'builtin', selectableFields: ['status.phase', 'spec.nodeName'] })?.(fields);

  it.each([
    ['metadata.name=a', true],
    ['metadata.name==a,metadata.namespace=ns', true],
    ['metadata.name=b', false],
    ['status.phase!=Running', false],
    ['status.phase!=Failed,spec.nodeName=', true],
    ['spec.nodeName!=', false],
  ])('%s -> %s', (selector, expected) => {
    expect(matches(selector)).toBe(expected);
  });

  it('takes escaped commas and equals signs for text', () => {
    expect(fieldMatcher('metadata.name=a\\,b\\=c', { origin: 'builtin', selectableFields: [] })?.({ 'metadata.name': 'a,b=c' })).toBe(true);
  });

  it.each([
    ['foo=bar', 'field label not supported: foo'],
    ['metadata.name', "invalid selector: 'metadata.name'; can't understand 'metadata.name'"],
  ])('%s is refused: %s', (selector, message) => {
    expect(() => matches(selector)).toThrow(message);
  });
});
