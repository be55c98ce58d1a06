import { describe, expect, test } from 'vitest';
import { TsumugiError } from '../base/errors.ts';
import { parseCount, parsePair, parseSeconds } from './values.ts';

describe('values on the command line', () => {
  test.each([
    ['2', 2],
    ['2s', 2],
    ['1m', 60],
    ['1h', 3600],
    ['1m30s', 90],
    ['0', 0],
  ])('the duration %s is %i seconds', (text, seconds) => {
    expect(parseSeconds('--timeout', text)).toBe(seconds);
  });

  test.each(['', 'soon', '2 s', '-1', '1.5s', '1d'])('"%s" is no duration: usage, with the flag and what is allowed', (text) => {
    expect(() => parseSeconds('--timeout', text)).toThrow(
      expect.objectContaining({
        code: 'Usage',
        message: `--timeout is "${text}"`,
        hint: expect.stringContaining('2s') as string,
      }) as TsumugiError,
    );
  });

  test('a pair is split at its first =', () => {
    expect(parsePair('--env', 'URL=http://x/?a=b')).toEqual(['URL', 'http://x/?a=b']);
    expect(parsePair('--env', 'EMPTY=')).toEqual(['EMPTY', '']);
    for (const wrong of ['NOVALUE', '=x', '1A=x', 'A-B=x']) expect(() => parsePair('--env', wrong)).toThrow(TsumugiError);
  });

  test('a count has a least value', () => {
    expect(parseCount('--max-scale', '3', 1)).toBe(3);
    expect(() => parseCount('--max-scale', '0', 1)).toThrow('--max-scale is "0"');
  });
});
