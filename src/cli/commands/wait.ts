import type { Command } from 'commander';
import { TsumugiError } from '../../base/errors.ts';
import { platformOptions } from '../flags.ts';
import type { PlatformFlags } from '../platform.ts';
import { parseSeconds } from '../values.ts';

interface WaitFlags extends PlatformFlags {
  readonly for: string;
  readonly timeout: string;
}

/** `tsumugi wait KIND/NAME…`: until something is so of each of the objects. */
export function register(program: Command): void {
  platformOptions(
    program
      .command('wait')
      .description('wait until an object is Ready, gone, or as a path says')
      .argument('<kind/name...>', 'which, as fn/hello; or KIND NAME…')
      .option('--for <what>', "condition=TYPE[=STATUS], jsonpath='{PATH}'[=VALUE], create or delete", 'condition=Ready')
      .option('--timeout <duration>', 'at most so long', '30s'),
  )
    .addHelpText(
      'after',
      `
Examples:
  tsumugi wait fn/hello
  tsumugi wait fn/hello fn/orders --for condition=Ready --timeout 2m
  tsumugi wait pod/work --for jsonpath='{.status.phase}'=Succeeded
  tsumugi delete fn hello && tsumugi wait fn hello --for delete`,
    )
    .action(async (words: string[], flags: WaitFlags) => {
      const targets = parseTargets(words);
      const { parseUntil } = await import('../until.ts');
      const until = parseUntil(flags.for);
      const seconds = parseSeconds('--timeout', flags.timeout);
      const [{ connect }, { discoverKinds, findKind }, { watchUntil }, { shownName }] = await Promise.all([
        import('../platform.ts'),
        import('../kinds.ts'),
        import('../watch-until.ts'),
        import('../apply.ts'),
      ]);
      const platform = await connect(flags);
      const kinds = await discoverKinds(platform.api);
      const found = targets.map(({ word, name }) => ({ kind: findKind(kinds, word), name }));
      const ends = await Promise.allSettled(
        found.map(async ({ kind, name }) => {
          const key = { ...(kind.namespaced ? { namespace: platform.namespace } : {}), name };
          const last = await watchUntil(platform.kube, kind, key, seconds, until.isMet);
          if (until.isMet(last)) return void process.stdout.write(`${shownName(kind, name)} condition met\n`);
          const why = last ? until.seen(last) : 'it does not exist';
          throw new TsumugiError('Timeout', `${kind.kind} "${name}" after ${seconds} s: ${why}`, {
            hint: last
              ? `see: tsumugi describe ${kind.singular || kind.plural} ${name}`
              : `\`tsumugi get ${kind.plural}\` lists what there is`,
          });
        }),
      );
      const failed = ends.find((end) => end.status === 'rejected');
      if (failed) throw failed.reason;
    });
}

/** `fn/a pod/b`, or `fn a b`. */
function parseTargets(words: readonly string[]): readonly { readonly word: string; readonly name: string }[] {
  const [word = '', ...names] = words;
  if (!word.includes('/')) {
    if (names.length === 0) throw new TsumugiError('Usage', `which ${word}?`, { hint: `name it: tsumugi wait ${word}/NAME` });
    return names.map((name) => ({ word, name }));
  }
  return words.map((each) => {
    const [kind = '', name = '', ...more] = each.split('/');
    if (kind === '' || name === '' || more.length > 0)
      throw new TsumugiError('Usage', `"${each}" is no KIND/NAME`, { hint: 'as fn/hello' });
    return { word: kind, name };
  });
}
