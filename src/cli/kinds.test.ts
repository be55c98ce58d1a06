import { expect, test } from 'vitest';
import { findKind, kindOfObject, type ServedKind } from './kinds.ts';

const kind = (group: string, plural: string, name: string, shortNames: string[] = []): ServedKind => ({
  group,
  version: 'v1',
  plural,
  kind: name,
  namespaced: true,
  singular: name.toLowerCase(),
  shortNames,
  isListed: true,
});
const kinds = [
  kind('', 'pods', 'Pod', ['po']),
  kind('serving.example.org', 'routes', 'Route'),
  kind('tsumugi.dev', 'routes', 'Route'),
  kind('tsumugi.dev', 'functions', 'Function', ['fn']),
];

test.each(['fn', 'function', 'functions', 'Function', 'functions.tsumugi.dev'])('%s names the kind Function', (word) => {
  expect(findKind(kinds, word).plural).toBe('functions');
});

test('of two kinds of one name ours is meant, unless the group says otherwise', () => {
  expect(findKind(kinds, 'routes').group).toBe('tsumugi.dev');
  expect(findKind(kinds, 'routes.serving.example.org').group).toBe('serving.example.org');
});

test('an unknown kind is answered with what was probably meant', () => {
  expect(() => findKind(kinds, 'fucntions')).toThrow(
    expect.objectContaining({ code: 'NotFound', hint: 'did you mean functions?' }) as Error,
  );
});

test('an object is found by its group and version', () => {
  expect(kindOfObject(kinds, { apiVersion: 'tsumugi.dev/v1', kind: 'Route' }).group).toBe('tsumugi.dev');
  expect(() => kindOfObject(kinds, { apiVersion: 'tsumugi.dev/v2', kind: 'Route' })).toThrow(
    'the server has no kind Route of tsumugi.dev/v2',
  );
});
