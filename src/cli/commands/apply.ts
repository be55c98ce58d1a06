import type { Command } from 'commander';
import { TsumugiError } from '../../base/errors.ts';
import { platformOptions } from '../flags.ts';
import type { PlatformFlags } from '../platform.ts';
import { collect } from '../values.ts';

/** `tsumugi apply -f FILE|DIR|-`: manifests, with or without kubectl. */
export function register(program: Command): void {
  platformOptions(
    program
      .command('apply')
      .description('create or change what manifests say')
      .option('-f, --filename <path>', 'file, folder or - (stdin); may be given again', collect),
  )
    .addHelpText(
      'after',
      `
Examples:
  tsumugi apply -f route.yaml
  tsumugi apply -f manifests/
  tsumugi get route web -o yaml | sed s/old/new/ | tsumugi apply -f -`,
    )
    .action(async (flags: PlatformFlags & { filename?: string[] }) => {
      if (!flags.filename) throw new TsumugiError('Usage', 'nothing to apply', { hint: 'name a file or folder: tsumugi apply -f FILE' });
      const [{ connect }, { applyObject, readManifests, shownName }, { discoverKinds, kindOfObject }] = await Promise.all([
        import('../platform.ts'),
        import('../apply.ts'),
        import('../kinds.ts'),
      ]);
      const objects = await readManifests(flags.filename);
      const platform = await connect(flags);
      const kinds = await discoverKinds(platform.api);
      // Namespaces before what is in them; the rest in the order given.
      for (const object of objects.toSorted((a, b) => Number(b.kind === 'Namespace') - Number(a.kind === 'Namespace'))) {
        const kind = kindOfObject(kinds, object);
        const { result } = await applyObject(platform, kind, object);
        process.stdout.write(`${shownName(kind, object.metadata.name)} ${result}\n`);
      }
      if (objects.length === 0) throw new TsumugiError('NotFound', `no objects in ${flags.filename.join(', ')}`);
    });
}
