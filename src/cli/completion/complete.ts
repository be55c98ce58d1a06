/** What a shell may put at the cursor. Nothing here may ever disturb the shell: what cannot be known is left out. */
import type { Command } from 'commander';
import type { ListExecutionsResponseJson } from '../../jobs/api/generated/execution.generated.ts';
import type { FunctionResource } from '../../resources/function.ts';
import type { KubeObject } from '../../resources/object.ts';
import { functions } from '../../resources/resources.ts';
import type { Platform, PlatformFlags } from '../platform.ts';
import { collect } from '../values.ts';
import { type Line, readLine } from './line.ts';
import { type Source, sourceOfArgument, sourceOfOption } from './sources.ts';

export interface Candidate {
  readonly value: string;
  readonly says?: string;
}

export interface Completion {
  /** `files`, `folders`: the shell's own; `words`: these; `parts`: these, after which something is to follow without a space. */
  readonly how: 'words' | 'parts' | 'files' | 'folders';
  readonly candidates: readonly Candidate[];
}

/** So many names are read. */
const most = 500;

export async function complete(program: Command, typed: readonly string[]): Promise<Completion> {
  const line = readLine(program, typed);
  const { current, option, prefix } = line;
  const found = option ? await fromSource(sourceOfOption(option), line) : await namesOf(line);
  const candidates = found.candidates
    .filter(({ value }) => value.startsWith(current))
    .map((candidate) => ({ ...candidate, value: prefix + candidate.value }));
  return { ...found, candidates };
}

/** Options, subcommands or arguments. */
async function namesOf(line: Line): Promise<Completion> {
  const { command, options, words, current, mayBeOption } = line;
  const help = command.createHelp();
  if (mayBeOption && current.startsWith('-')) {
    const free = help.visibleOptions(command).filter((option) => option.parseArg === collect || !options.has(option.long ?? ''));
    return wordsOf(free.map(({ long, short, description }) => ({ value: long ?? short ?? '', says: description })));
  }
  if (command.commands.length === 0) return fromSource(sourceOfArgument(line), line);
  const isHelp = words.length === 1 && words[0] === 'help';
  if (words.length > 0 && !isHelp) return wordsOf([]);
  const shown = help.visibleCommands(command).filter((each) => each.name() !== 'help' || (command.parent === null && !isHelp));
  return wordsOf(shown.map((each) => ({ value: each.name(), says: each.description() })));
}

async function fromSource(source: Source, line: Line): Promise<Completion> {
  switch (source.from) {
    case 'files':
    case 'folders':
      return { how: source.from, candidates: [] };
    case 'words':
      return wordsOf(source.words.map((value) => ({ value })));
    case 'nothing':
      return wordsOf([]);
    default:
      return fromPlatform(source, line);
  }
}

const wordsOf = (candidates: readonly Candidate[]): Completion => ({ how: 'words', candidates });

async function fromPlatform(source: Source, line: Line): Promise<Completion> {
  const [{ connect }, { discoverKinds, findKind }] = await Promise.all([import('../platform.ts'), import('../kinds.ts')]);
  const platform = await connect(flagsOf(line));
  const names = async (word: string): Promise<readonly string[]> => {
    const kind = findKind(await discoverKinds(platform.api), word);
    const { items } = await platform.kube.list<KubeObject>(kind, {
      ...(kind.namespaced && { namespace: platform.namespace }),
      limit: most,
    });
    return items.map(({ metadata }) => metadata.name);
  };
  const { current, words } = line;
  if (source.from === 'executions') return executionsOf(platform, source.isParent);
  if (source.from === 'objects') {
    const free = (await names(source.kind)).filter((name) => !words.includes(name));
    return wordsOf(free.map((value) => ({ value })));
  }
  if (source.from === 'exports') return wordsOf((await callable(platform, current)).map((value) => ({ value })));
  const kinds = (await discoverKinds(platform.api)).filter(({ isListed }) => isListed);
  if (source.from === 'kinds') return wordsOf([...new Set(kinds.map(({ plural }) => plural))].map((value) => ({ value })));
  const [word = '', name] = current.split('/');
  if (name !== undefined) return wordsOf((await names(word)).map((each) => ({ value: `${word}/${each}` })));
  return {
    how: 'parts',
    candidates: [...new Set(kinds.map(({ singular, plural }) => singular || plural))].map((value) => ({ value: `${value}/` })),
  };
}

async function executionsOf(platform: Platform, isParent = false): Promise<Completion> {
  const { call } = await import('../../client/rpc.ts');
  const request = { parent: `namespaces/${platform.namespace}/jobs/-`, pageSize: most };
  const { executions = [] } = await call<ListExecutionsResponseJson>(platform, 'Executions/ListExecutions', request);
  const names = executions.map(({ name = '' }) => name.slice(name.lastIndexOf('/') + 1));
  return isParent
    ? { how: 'parts', candidates: names.map((value) => ({ value: `${value}/` })) }
    : wordsOf(names.map((value) => ({ value })));
}

/** Functions; of the one that is named, its exports. */
async function callable({ kube, namespace }: Platform, current: string): Promise<readonly string[]> {
  const { items } = await kube.list<FunctionResource>(functions, { namespace, limit: most });
  const [named = ''] = current.split('.');
  return items.flatMap(({ metadata: { name }, status }) => [
    name,
    ...(name === named ? (status?.exports ?? []).map((each) => `${name}.${each}`) : []),
  ]);
}

/** Where the line says that the platform is. */
function flagsOf({ command, options }: Line): PlatformFlags {
  // `invoke` has another use for the word.
  const data = command.options.some(({ long }) => long === '--platform') ? '--platform' : '--data';
  const named = { data, context: '--context', kubeconfig: '--kubeconfig', namespace: '--namespace' };
  return Object.fromEntries(Object.entries(named).flatMap(([key, flag]) => (options.has(flag) ? [[key, options.get(flag)]] : [])));
}
