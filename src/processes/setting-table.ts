/** Settings of a process: each flag has a variable; the flag wins. One table for each process, so that help, docs and parsing agree. */
import { TsumugiError } from '../base/errors.ts';

export interface SettingInfo<Name extends string = string> {
  readonly name: Name;
  /** As commander wants it: `--port <number>`. Absent: what must not stand on a command line, where all processes see it. */
  readonly flag?: string;
  readonly variable: string;
  /** Empty: none. */
  readonly fallback: string;
  readonly says: string;
}

export interface SettingReader<Name extends string> {
  /** Names of the settings that somebody chose. */
  readonly chosen: readonly Name[];
  readonly text: (name: Name) => string;
  /** A whole number; throws Usage, as all of these do. */
  readonly number: (name: Name, min: number, max: number) => number;
  readonly wrong: (name: Name, allowed: string) => TsumugiError;
}

/** Reads flags (by name), else variables, else the defaults; an empty one is none. */
export function settingReader<Name extends string>(
  table: readonly SettingInfo<Name>[],
  flags: Readonly<Record<string, string | undefined>>,
  env: NodeJS.ProcessEnv,
): SettingReader<Name> {
  const given = ({ name, variable }: SettingInfo<Name>): string => (flags[name] ?? env[variable]) || '';
  const infoOf = (name: Name): SettingInfo<Name> => {
    const info = table.find((entry) => entry.name === name);
    if (!info) throw new Error(`there is no setting ${name}`);
    return info;
  };
  const text = (name: Name): string => given(infoOf(name)) || infoOf(name).fallback;
  const wrong = (name: Name, allowed: string): TsumugiError => {
    const { flag, variable } = infoOf(name);
    return new TsumugiError('Usage', `${flag ? `${flag.split(' ')[0]} (or ${variable})` : variable} is "${text(name)}"`, {
      hint: `allowed: ${allowed}`,
    });
  };
  return {
    chosen: table.filter((info) => given(info) !== '').map(({ name }) => name),
    text,
    number: (name, min, max) => {
      const value = text(name);
      if (!/^\d+$/.test(value) || Number(value) < min || Number(value) > max) throw wrong(name, `a number from ${min} to ${max}`);
      return Number(value);
    },
    wrong,
  };
}

/** What help says of a setting, beside its flag. */
export function settingHelp({ says, variable, fallback }: SettingInfo): string {
  return `${says} (${variable}${fallback ? `, default ${fallback}` : ''})`;
}
