import { describe, expect, it } from 'vitest';

import { parsePodLog } from '../../kube/pod-log.ts';
import { splitInvocation } from './lines.ts';

describe('the log of a pod', () => {
  it('is read with the times, to less than a microsecond', () => {
    const lines = parsePodLog('2026-11-21T07:00:00.000000100Z a\n2026-11-21T07:00:00.000900Z b c\n2026-11-21T07:00:01Z d\n');
    expect(lines.map(({ text }) => text)).toEqual(['a', 'b c', 'd']);
    const [a, b, d] = lines.map(({ time }) => time) as [number, number, number];
    expect(Math.floor(a)).toBe(Date.parse('2026-11-21T07:00:00Z'));
    expect(b - a).toBeCloseTo(0.8999, 3);
    expect(d).toBe(Date.parse('2026-11-21T07:00:01Z'));
  });

  it('keeps empty lines and lines without a time', () => {
    expect(parsePodLog('2026-11-21T07:00:00Z \n2026-11-21T07:00:00Z x\nrest').map(({ text }) => text)).toEqual(['', 'x', 'rest']);
  });

  it('takes a time with an offset', () => {
    expect(parsePodLog('2026-11-21T08:00:00.5+01:00 x')[0]?.time).toBe(Date.parse('2026-11-21T07:00:00.5Z'));
  });
});

describe('the invocation of a line', () => {
  it.each([
    ['[req-1] hello', { invocation: 'req-1', text: 'hello' }],
    ['[req-1] ', { invocation: 'req-1', text: '' }],
    ['[req-1] [info] hello', { invocation: 'req-1', text: '[info] hello' }],
    ['hello', { text: 'hello' }],
    ['[not an id] hello', { text: '[not an id] hello' }],
  ])('%j', (line, expected) => {
    expect(splitInvocation(line)).toEqual(expected);
  });
});
