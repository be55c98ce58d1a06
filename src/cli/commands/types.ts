import { readFile, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';

/** `tsumugi types [DIR]`: the types of a folder's functions, for `Runner`. Needs no platform. */
export function register(program: Command): void {
  program
    .command('types')
    .description('write the types of the functions of a folder, for runners')
    .argument('[dir]', 'the folder, as tsumugi up takes it', '.')
    .option('--output <file>', 'where to (default: DIR/tsumugi-functions.d.ts)')
    .addHelpText(
      'after',
      `
A program that includes the file (as TypeScript does with what lies beside it) has each call of a runner checked:

  const runner = await Runner.load();
  await runner.fizzbuzz('fifteen');   // Argument of type 'string' is not assignable to parameter of type 'number'.

Nothing is run and nothing is asked: the types are those of the functions' own files.

Examples:
  tsumugi types functions
  tsumugi types functions --output src/functions.d.ts`,
    )
    .action(async (dir: string, { output = `${dir}/tsumugi-functions.d.ts` }: { output?: string }) => {
      const { bundleFunction } = await import('../../build/bundle.ts');
      const { discover } = await import('../../build/discover.ts');
      const { stopEsbuild } = await import('../../build/esbuild.ts');
      const { TsumugiError } = await import('../../base/errors.ts');
      const { functionTypes } = await import('../function-types.ts');
      const { functions } = await discover(resolve(dir));
      if (functions.length === 0)
        throw new TsumugiError('NotFound', `there are no functions in ${dir}`, {
          hint: 'a function is a file there that exports something',
        });
      const typed = await Promise.all(functions.map(async (each) => ({ ...each, exports: (await bundleFunction(each)).exports })));
      await stopEsbuild();
      const { text, names, leftOut } = functionTypes(typed, dirname(resolve(output)));
      for (const reason of leftOut) process.stderr.write(`warning: ${reason}\n`);
      const before = await readFile(output, 'utf8').catch(() => '');
      if (before !== text) await writeFile(output, text);
      process.stdout.write(`${output} ${before === text ? 'is up to date' : 'written'}: ${names.join(', ')}\n`);
    });
}
