/** A program at a terminal, as a person would sit there: util-linux `script` makes it. */
import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { eventually } from './platform.ts';

export interface Size {
  readonly rows: number;
  readonly columns: number;
}

export interface Terminal {
  /** Types it; resolves once the screen shows what is expected after that. */
  says(typed: string, expected: string | RegExp): Promise<void>;
  write(typed: string): void;
  resize(size: Size): Promise<void>;
  /** The exit code. */
  readonly ended: Promise<number | null>;
  close(): Promise<void>;
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

export async function openTerminal(command: readonly string[], env: NodeJS.ProcessEnv, size: Size): Promise<Terminal> {
  const inner = `tty; stty rows ${size.rows} cols ${size.columns}; exec ${command.map(quote).join(' ')}`;
  const child = spawn('script', ['-q', '-f', '-e', '-E', 'always', '-c', inner, '/dev/null'], { env: { ...env, SHELL: '/bin/sh' } });
  let screen = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (screen += text));
  child.stdin.on('error', () => {});
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const path = (): string => /\/dev\/\S+/.exec(screen)?.[0] ?? '';
  await eventually('the terminal is there', () => path() !== '');
  let seen = screen.length;
  return {
    async says(typed, expected) {
      child.stdin.write(typed);
      const shows = (): boolean => {
        const text = screen.slice(seen);
        return typeof expected === 'string' ? text.includes(expected) : expected.test(text);
      };
      await eventually(`${JSON.stringify(typed)} is answered with ${String(expected)}`, shows, 30).catch((error: unknown) => {
        throw new Error(`the screen shows ${JSON.stringify(screen)}`, { cause: error });
      });
      seen = screen.length;
    },
    write: (typed) => void child.stdin.write(typed),
    resize: async ({ rows, columns }) => {
      await promisify(execFile)('stty', ['-F', path(), 'rows', String(rows), 'cols', String(columns)]);
    },
    ended,
    async close() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
