/** Which values a place on the command line takes. */
import type { Command, Option } from 'commander';
import type { Line } from './line.ts';

export type Source =
  | { readonly from: 'files' | 'folders' | 'kinds' | 'nothing' }
  | { readonly from: 'words'; readonly words: readonly string[] }
  /** Names of objects of a kind, by any of its names. */
  | { readonly from: 'objects'; readonly kind: string }
  /** `fn/hello` */
  | { readonly from: 'targets' }
  /** Executions, whoever started them; of a task it is only the first part: `squares-x7k2p/`. */
  | { readonly from: 'executions'; readonly isParent?: true }
  /** `hello`, `hello.add` */
  | { readonly from: 'exports' };

const nothing: Source = { from: 'nothing' };
const objects = (kind: string): Source => ({ from: 'objects', kind });
const words = (...list: string[]): Source => ({ from: 'words', words: list });

export const byFlag: Readonly<Record<string, Source>> = {
  '--namespace': objects('namespaces'),
  '--runtime': objects('runtimes'),
  '--function': objects('functions'),
  '--secret': objects('secrets'),
  '--config': objects('configmaps'),
  '--job': objects('jobdefinitions'),
  '--items': { from: 'files' },
  '--status': words('queued', 'pending', 'running', 'succeeded', 'failed', 'cancelled', 'force-deleted'),
  '--filename': { from: 'files' },
  '--method': words('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'),
  '--request': words('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'),
  '--for': words('condition=Ready', 'create', 'delete'),
};

/** Of an option: the table, else what its own definition says: `<file>`, `<a|b>`. */
export function sourceOfOption({ long, flags }: Option): Source {
  const known = byFlag[long ?? ''];
  if (known) return known;
  const placeholder = /<(.+)>/.exec(flags)?.[1] ?? '';
  if (placeholder === 'file') return { from: 'files' };
  if (placeholder === 'folder') return { from: 'folders' };
  return /^[A-Za-z]+(\|[A-Za-z]+)+$/.test(placeholder) && !placeholder.includes('NAME') ? words(...placeholder.split('|')) : nothing;
}

/** By the command's path: of each argument, the last for all that follow. */
export const byCommand: Readonly<Record<string, readonly Source[]>> = {
  up: [{ from: 'folders' }],
  deploy: [{ from: 'files' }],
  invoke: [objects('functions')],
  call: [{ from: 'exports' }, nothing],
  run: [{ from: 'files' }, nothing],
  types: [{ from: 'folders' }],
  logs: [objects('functions')],
  get: [{ from: 'kinds' }],
  describe: [{ from: 'kinds' }],
  delete: [{ from: 'kinds' }],
  wait: [{ from: 'targets' }],
  'fn delete': [objects('functions')],
  'runtime delete': [objects('runtimes')],
  'route delete': [objects('routes')],
  'job run': [objects('jobdefinitions')],
  'job get': [objects('jobdefinitions')],
  'job update': [objects('jobdefinitions'), nothing],
  'job delete': [objects('jobdefinitions')],
  ...Object.fromEntries(
    ['get', 'cancel', 'pause', 'resume', 'retry', 'logs', 'delete'].map((verb) => [`execution ${verb}`, [{ from: 'executions' }]]),
  ),
  'task list': [{ from: 'executions' }],
  'task get': [{ from: 'executions', isParent: true }],
  'task logs': [{ from: 'executions', isParent: true }],
  'images build': [words('tsumugi/platform', 'tsumugi/node')],
  completion: [words('bash', 'zsh', 'fish')],
};

/** Of the next argument of the command. */
export function sourceOfArgument({ command, words: before }: Pick<Line, 'command' | 'words'>): Source {
  const sources = byCommand[pathOf(command)];
  if (!sources) return nothing;
  const [first = nothing] = sources;
  const [kind = ''] = before;
  // A kind, then names of it.
  if (before.length > 0 && (first.from === 'kinds' || (first.from === 'targets' && !kind.includes('/')))) return objects(kind);
  const isRepeated = command.registeredArguments.at(-1)?.variadic === true;
  if (before.length >= command.registeredArguments.length && !isRepeated) return nothing;
  return sources[Math.min(before.length, sources.length - 1)] ?? nothing;
}

/** `fn delete`, without the program's name. */
export function pathOf(command: Command): string {
  return command.parent?.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}
