import type { Command } from 'commander';
import { TsumugiError } from '../../base/errors.ts';
import { isNotFound } from '../../resources/object.ts';
import { platformOptions } from '../flags.ts';
import type { PlatformFlags } from '../platform.ts';
import { collect } from '../values.ts';

interface DeleteFlags extends PlatformFlags {
  readonly filename?: string[];
  readonly ignoreNotFound?: boolean;
}

/** `tsumugi delete KIND NAME…` or `-f FILE`. */
export function register(program: Command): void {
  platformOptions(
    program
      .command('delete')
      .description('delete objects')
      .argument('[kind]', 'function (fn), route, runtime, configmap, …')
      .argument('[names...]', 'which')
      .option('-f, --filename <path>', 'all that these manifests name', collect)
      .option('--ignore-not-found', 'what is not there is fine'),
  )
    .addHelpText(
      'after',
      `
Examples:
  tsumugi delete fn hello
  tsumugi delete -f manifests/`,
    )
    .action(async (word: string | undefined, names: string[], flags: DeleteFlags) => {
      await deleteObjects(word, names, flags);
    });
}

/** Deletes and says so; also what `fn delete` and its like do. */
export async function deleteObjects(word: string | undefined, names: readonly string[], flags: DeleteFlags): Promise<void> {
  if (!flags.filename && (word === undefined || names.length === 0)) {
    throw new TsumugiError('Usage', 'nothing to delete', { hint: 'name it: tsumugi delete function NAME, or tsumugi delete -f FILE' });
  }
  const [{ connect }, { readManifests, shownName }, { discoverKinds, findKind, kindOfObject }, { describeMissing }] = await Promise.all([
    import('../platform.ts'),
    import('../apply.ts'),
    import('../kinds.ts'),
    import('../missing.ts'),
  ]);
  const platform = await connect(flags);
  const kinds = await discoverKinds(platform.api);
  const objects = await readManifests(flags.filename ?? []);
  const targets = [
    ...names.map((name) => ({ kind: findKind(kinds, word ?? ''), name, namespace: platform.namespace })),
    ...objects.map((object) => ({
      kind: kindOfObject(kinds, object),
      name: object.metadata.name,
      namespace: object.metadata.namespace ?? platform.namespace,
    })),
  ];
  for (const { kind, name, namespace } of targets) {
    try {
      await platform.kube.delete(kind, { ...(kind.namespaced ? { namespace } : {}), name });
      process.stdout.write(`${shownName(kind, name)} deleted\n`);
    } catch (error) {
      if (!(flags.ignoreNotFound && isNotFound(error))) await describeMissing(platform, kind, name, error);
    }
  }
}
