/** Values on the command line: durations, K=V pairs, counts. Each parser throws Usage with what is allowed. */
import { TsumugiError } from '../base/errors.ts';

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** `2s`, `1m`, `1h30m` or `2` (seconds) as whole seconds. */
export function parseSeconds(flag: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  if (/^(\d+[smh])+$/.test(text)) {
    let seconds = 0;
    for (const [, amount, unit] of text.matchAll(/(\d+)([smh])/g)) seconds += Number(amount) * (units[unit ?? 's'] ?? 1);
    return seconds;
  }
  throw new TsumugiError('Usage', `${flag} is "${text}"`, { hint: 'allowed: a duration as 2s, 1m, 1h or 2 (seconds)' });
}

export function parseCount(flag: string, text: string, min = 0): number {
  if (!/^\d+$/.test(text) || Number(text) < min)
    throw new TsumugiError('Usage', `${flag} is "${text}"`, { hint: `allowed: a whole number from ${min} on` });
  return Number(text);
}

/** `K=V`; K must be usable as a variable's name. */
export function parsePair(flag: string, text: string): [string, string] {
  const at = text.indexOf('=');
  const key = text.slice(0, at);
  if (at < 1 || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) {
    throw new TsumugiError('Usage', `${flag} is "${text}"`, { hint: `allowed: KEY=VALUE, as ${flag} LOG_LEVEL=debug` });
  }
  return [key, text.slice(at + 1)];
}

/** `app=shop,tier=db`; undefined where nothing is given. The server says what is no label. */
export function parseLabels(flag: string, given: readonly string[] | undefined): Record<string, string> | undefined {
  return (
    given &&
    Object.fromEntries(
      given
        .flatMap((each) => each.split(','))
        .map((each) => {
          const [key = '', ...value] = each.split('=');
          if (key !== '' && value.length > 0) return [key, value.join('=')];
          throw new TsumugiError('Usage', `${flag} is "${each}"`, { hint: `allowed: KEY=VALUE, as ${flag} app=shop,tier=db` });
        }),
    )
  );
}

/** One of a few words. */
export function parseChoice(flag: string, text: string, allowed: readonly string[]): string {
  if (!allowed.includes(text)) throw new TsumugiError('Usage', `${flag} is "${text}"`, { hint: `allowed: ${allowed.join(', ')}` });
  return text;
}

/** For commander: an option that may be given several times. */
export function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}
