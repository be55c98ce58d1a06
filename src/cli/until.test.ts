import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../resources/object.ts';
import { parseUntil } from './until.ts';

const object = (status: object, generation = 2): KubeObject =>
  ({ apiVersion: 'v1', kind: 'Thing', metadata: { name: 'a', generation }, status }) as KubeObject;
const ready = (status: string, observedGeneration?: number) =>
  object({ conditions: [{ type: 'Ready', status, reason: 'R', message: 'because', observedGeneration }] });

describe('--for', () => {
  test.each([
    ['condition=Ready', ready('True'), true],
    ['condition=Ready', ready('False'), false],
    ['condition=Ready=False', ready('False'), true],
    ['condition=Ready=false', ready('False'), true],
    ['condition=Ready', ready('True', 2), true],
    ['condition=Ready', undefined, false],
    ['delete', undefined, true],
    ['delete', object({}), false],
    ['create', undefined, false],
    ['create', object({}), true],
    ['jsonpath={.status.phase}=Running', object({ phase: 'Running' }), true],
    ['jsonpath={.status.phase}=Running', object({ phase: 'Pending' }), false],
    ["jsonpath='{.status.phase}'=Running", object({ phase: 'Running' }), true],
    ['jsonpath=.status.count=3', object({ count: 3 }), true],
    ['jsonpath={.status.url}', object({ url: 'http://x' }), true],
    ['jsonpath={.status.url}', object({}), false],
    ['jsonpath={.status.conditions[?(@.type=="Ready")].status}=True', ready('True'), true],
    ['jsonpath={.status.note}=a=b', object({ note: 'a=b' }), true],
  ])('%s of %j is %s', (text, seen, met) => {
    expect(parseUntil(text).isMet(seen)).toBe(met);
  });

  test('a verdict on an earlier generation does not count', () => {
    const until = parseUntil('condition=Ready');
    expect(until.isMet(ready('True', 1))).toBe(false);
    expect(until.seen(ready('True', 1))).toBe('Ready is not known yet');
  });

  test('tells what is there instead', () => {
    expect(parseUntil('condition=Ready').seen(ready('False'))).toBe('Ready is False (R: because)');
    expect(parseUntil('jsonpath={.status.phase}=Running').seen(object({ phase: 'Pending' }))).toBe('.status.phase is Pending');
  });

  test.each(['', 'ready', 'condition=', 'jsonpath={range .items[*]}', 'jsonpath=', 'deleted'])(
    '%j is refused with what is allowed',
    (text) => {
      expect(() => parseUntil(text)).toThrow(expect.objectContaining({ code: 'Usage', hint: expect.stringContaining('condition=Ready') }));
    },
  );
});
