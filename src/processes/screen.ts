/** What `tsumugi up` shows: a short table on a terminal, JSON lines elsewhere. */
import type { DeployedFunction } from './deploy-folder.ts';
import type { PlatformFile } from '../client/data-folder.ts';

export interface Ready {
  readonly file: PlatformFile;
  readonly kubeconfig: string;
  readonly dir?: string;
  readonly functions: readonly DeployedFunction[];
  readonly manifests: number;
  readonly ms: number;
}

export interface Screen {
  /** One line: something moved, a warning, a failure. */
  note(message: string, level?: 'info' | 'warn' | 'error'): void;
  /** A line that a process of the platform wrote to its log. */
  line(text: string): void;
  ready(what: Ready): void;
}

/** Chooses by whether stdout is a terminal. */
export function createScreen(out: NodeJS.WriteStream = process.stdout): Screen {
  return out.isTTY ? terminal(out) : jsonLines(out);
}

function jsonLines(out: NodeJS.WritableStream): Screen {
  const write = (level: string, fields: object, msg: string): void =>
    void out.write(`${JSON.stringify({ level, time: new Date().toISOString(), component: 'up', ...fields, msg })}\n`);
  return {
    note: (message, level = 'info') => write(level, {}, message),
    line: (text) => void process.stderr.write(`${text}\n`),
    ready: ({ file, kubeconfig, functions, manifests, ms }) => {
      for (const { type: _, ready, ...rest } of functions)
        write(ready ? 'info' : 'error', { ...rest, ready }, ready ? 'function is ready' : 'function is not ready');
      const { gateway, api, platform, metrics, pid, data, version } = file;
      write(
        'info',
        { gateway, api, platform, metrics, pid, data, version, kubeconfig, functions: functions.length, manifests, ms: Math.round(ms) },
        'ready',
      );
    },
  };
}

function terminal(out: NodeJS.WriteStream): Screen {
  const colour = !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
  const paint =
    (code: number) =>
    (text: string): string =>
      colour ? `\u001B[${code}m${text}\u001B[0m` : text;
  const [bold, dim, red, green, yellow, cyan] = [paint(1), paint(2), paint(31), paint(32), paint(33), paint(36)];
  const say = (text: string): void => void out.write(`${text}\n`);
  const marks = { info: dim('·'), warn: yellow('!'), error: red('✗') };

  return {
    note: (message, level = 'info') => say(`  ${marks[level]} ${message}`),
    line: (text) => {
      const { level, msg, err } = parse(text);
      if (msg === undefined) say(`  ${dim(text)}`);
      else say(`  ${level >= 50 ? marks.error : level >= 40 ? marks.warn : marks.info} ${msg}${err ? ` ${dim(err)}` : ''}`);
    },
    ready: ({ file, kubeconfig, dir, functions, manifests, ms }) => {
      say(`\n  ${bold('紬 tsumugi')} ${dim(file.version)}  ready in ${(ms / 1000).toFixed(1)} s  ${dim(file.data)}\n`);
      if (functions.length > 0) {
        const name = Math.max(8, ...functions.map((each) => shown(each).length)) + 3;
        say(`  ${dim(`${'FUNCTION'.padEnd(name)}${'STATE'.padEnd(9)}URL`)}`);
        for (const each of functions) {
          say(
            `  ${bold(shown(each).padEnd(name))}${each.ready ? `${green('ready')}    ${cyan(each.url)}` : `${red('failed')}   ${each.error ?? ''}`}`,
          );
          if (each.hint) say(`  ${' '.repeat(name)}${dim(`         hint: ${each.hint}`)}`);
        }
        say('');
      } else if (dir !== undefined && manifests === 0) {
        say(`  ${dim(`no functions and no manifests in ${dir}`)}\n`);
      }
      const first = functions.find((each) => each.ready);
      if (first) say(`  ${dim('try')}      ${howToCall(first)}`);
      else if (functions.length === 0) say(`  ${dim('try')}      npx tsumugi deploy FILE.ts`);
      say(`  ${dim('kubectl')}  export KUBECONFIG=${kubeconfig}`);
      say(`  ${dim('stop')}     Ctrl-C\n`);
    },
  };
}

const shown = ({ namespace, name }: DeployedFunction): string => (namespace === 'default' ? name : `${name}.${namespace}`);

/** A handler is requested, named exports are called. */
function howToCall({ url, name, namespace, exports }: DeployedFunction): string {
  const [named] = exports;
  if (exports.includes('default') || named === undefined) return `curl ${url}`;
  return `npx tsumugi call ${name}.${named}${namespace === 'default' ? '' : ` -n ${namespace}`} …`;
}

/** A line of a process's log: JSON of pino, or anything else. */
function parse(text: string): { level: number; msg?: string; err?: string } {
  try {
    const entry = JSON.parse(text) as { level?: number; msg?: string; err?: { message?: string } };
    return {
      level: entry.level ?? 30,
      ...(entry.msg === undefined ? {} : { msg: entry.msg }),
      ...(entry.err?.message ? { err: entry.err.message } : {}),
    };
  } catch {
    return { level: 30 };
  }
}
