/**
 * How a command is begun inside a pod: a shell there reads from file descriptor 3 what it has to do. What it answers on 3 is how the
 * start went: `failed WHY`, `terminal PATH`, and the end once the command has begun.
 */
import { shellQuote } from '../shell-quote.ts';
import type { TerminalSize } from '../../api/pod-access.ts';

export const launcher = ['/bin/sh', '-c', 'eval "$(cat <&3)"', 'tsumugi'] as const;

export interface Begin {
  readonly command: readonly string[];
  readonly cwd: string;
  /** Shell: true where the command belongs. */
  readonly check: string;
  /** It gets a terminal, of this size if that is known. */
  readonly terminal: { readonly size?: TerminalSize | undefined } | undefined;
}

/** As the container runtimes look for a program, and in their words. */
const find = `case $1 in
*/*) file=$1 ;;
*) file= IFS=:
   for folder in $PATH; do [ -f "$folder/$1" ] && [ -x "$folder/$1" ] && file=$folder/$1 && break; done
   unset IFS folder
   [ "$file" ] || fail "exec: \\"$1\\": executable file not found in \\$PATH" ;;
esac
[ -e "$file" ] || fail "exec: \\"$1\\": stat $1: no such file or directory"
[ -x "$file" ] && ! [ -d "$file" ] || fail "exec: \\"$1\\": permission denied"
unset file`;

export function beginText({ command, cwd, check, terminal }: Begin): string {
  return [
    `fail() { printf 'failed %s\\n' "$1" >&3; exit 126; }`,
    `${check} || fail 'the container has ended'`,
    `cd ${shellQuote(cwd)} 2>/dev/null || fail ${shellQuote(`chdir to cwd (${JSON.stringify(cwd)}) set in config.json failed: no such file or directory`)}`,
    'unset OLDPWD',
    find,
    ...(terminal ? inTerminal(command, terminal.size, true) : ['exec 3>&-', 'exec "$@"']),
  ].join('\n');
}

/** A command at a terminal that lasts as long as it does. */
export const terminalCommand = (command: readonly string[]): readonly string[] => [
  '/bin/sh',
  '-c',
  ['fail() { printf \'%s\\n\' "$1" >&2; exit 126; }', ...inTerminal(command, undefined, false)].join('\n'),
];

/** `script` of util-linux makes the terminal, with the pod's own rights. */
function inTerminal(command: readonly string[], size: TerminalSize | undefined, tells: boolean): string[] {
  const inner = [
    ...(size ? [sizeCommand(size)] : []),
    ...(tells ? [`printf 'terminal %s\\n' "$(tty)" >&3`, 'exec 3>&-'] : []),
    'if [ "${POD_SHELL+set}" ]; then SHELL=$POD_SHELL; unset POD_SHELL; else unset SHELL; fi',
    `exec ${command.map(shellQuote).join(' ')}`,
  ].join('\n');
  return [
    `command -v script >/dev/null || fail 'a terminal needs the program "script" of util-linux (Debian: apt install bsdutils)'`,
    `[ -c /dev/ptmx ] || fail 'no terminal can be made here: pods may not mount devpts on this machine; use kubectl without -t'`,
    'export TERM="${TERM:-xterm}"',
    // `script` runs its command by $SHELL, and these are lines for a plain one.
    '[ -z "${SHELL+set}" ] || export POD_SHELL="$SHELL"',
    `SHELL=/bin/sh exec script -q -f -e -E always -c ${shellQuote(inner)} /dev/null`,
  ];
}

export const sizeCommand = ({ rows, columns }: TerminalSize): string => `stty rows ${rows} cols ${columns}`;
