/** What somebody has typed so far, understood by the commands' own definitions. */
import type { Command, Option } from 'commander';

export interface Line {
  /** The deepest command that is named. */
  readonly command: Command;
  /** Values of its options, by their long names, as typed. */
  readonly options: ReadonlyMap<string, string>;
  /** Arguments before the one that is being typed. */
  readonly words: readonly string[];
  /** The beginning of what is to be completed. */
  readonly current: string;
  /** Whose value that is. */
  readonly option?: Option;
  /** What stands before the value in the same word: `--output=`. */
  readonly prefix: string;
  /** It may be an option's name. */
  readonly mayBeOption: boolean;
}

const takesValue = (option: Option | undefined): option is Option => option !== undefined && (option.required || option.optional);

/** `typed` are the words behind the program's name; the last is the one at the cursor, perhaps empty. */
export function readLine(program: Command, typed: readonly string[]): Line {
  let command = program;
  let pending: Option | undefined;
  let isOver = false;
  const words: string[] = [];
  const options = new Map<string, string>();
  const named = (name: string): Option | undefined => command.options.find(({ long, short }) => long === name || short === name);
  const keep = (option: Option, value: string): void => void options.set(option.long ?? option.short ?? '', value);

  for (const word of typed.slice(0, -1)) {
    if (pending) {
      keep(pending, word);
      pending = undefined;
    } else if (isOver) words.push(word);
    else if (word === '--') isOver = true;
    else if (word.startsWith('-') && word.length > 1) {
      const [name, value] = split(word);
      const option = named(name);
      if (option && value !== undefined) keep(option, value);
      else if (takesValue(option)) pending = option;
      else if (option) keep(option, '');
    } else {
      const sub = words.length === 0 ? command.commands.find((each) => each.name() === word || each.aliases().includes(word)) : undefined;
      if (sub) command = sub;
      else words.push(word);
    }
  }
  const current = typed.at(-1) ?? '';
  const line = { command, options, words };
  if (pending) return { ...line, current, option: pending, prefix: '', mayBeOption: false };
  if (!isOver && current.startsWith('--') && current.includes('=')) {
    const [name, value = ''] = split(current);
    const option = named(name);
    if (option) return { ...line, current: value, option, prefix: `${name}=`, mayBeOption: false };
  }
  return { ...line, current, prefix: '', mayBeOption: !isOver };
}

/** `--name=value`; of a short one only the name may be told apart: `-nshop`. */
function split(word: string): [string, string?] {
  if (!word.startsWith('--')) return word.length > 2 ? [word.slice(0, 2), word.slice(2)] : [word];
  const at = word.indexOf('=');
  return at === -1 ? [word] : [word.slice(0, at), word.slice(at + 1)];
}
