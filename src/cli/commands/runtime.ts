import type { Command } from 'commander';
import { TsumugiError } from '../../base/errors.ts';
import { runtimes } from '../../resources/resources.ts';
import { platformOptions } from '../flags.ts';
import type { PlatformFlags } from '../platform.ts';
import { parseCount, parseSeconds } from '../values.ts';
import { deleteCommand, listCommand } from './function.ts';

interface RuntimeFlags extends PlatformFlags {
  readonly image?: string;
  readonly poolSize?: string;
  readonly concurrency?: string;
  readonly idleTimeout?: string;
  readonly memory?: string;
  readonly cpu?: string;
}

/** `tsumugi runtime create|list|delete`. */
export function register(program: Command): void {
  const noun = program.command('runtime').alias('rt').description('create, list and delete runtimes (pools of warm pods)');
  platformOptions(
    noun
      .command('create')
      .description('make a runtime')
      .argument('<name>', 'name of the runtime')
      .option('--image <image>', 'image of its pods, as tsumugi/node')
      .option('--pool-size <number>', 'warm pods that wait (default 3)')
      .option('--concurrency <number>', 'requests at once per instance (default 100)')
      .option('--idle-timeout <duration>', 'an instance without work goes after this')
      .option('--memory <quantity>', 'limit per pod, as 256Mi')
      .option('--cpu <quantity>', 'limit per pod, as 500m'),
  )
    .addHelpText('after', '\nExamples:\n  tsumugi runtime create big --image tsumugi/node --memory 2Gi --pool-size 1')
    .action(async (name: string, flags: RuntimeFlags) => {
      if (flags.image === undefined)
        throw new TsumugiError('Usage', 'a runtime needs an image', { hint: `tsumugi runtime create ${name} --image tsumugi/node` });
      const limits = {
        ...(flags.memory === undefined ? {} : { memory: flags.memory }),
        ...(flags.cpu === undefined ? {} : { cpu: flags.cpu }),
      };
      const spec = {
        image: flags.image,
        ...(flags.poolSize === undefined ? {} : { poolSize: parseCount('--pool-size', flags.poolSize) }),
        ...(flags.concurrency === undefined ? {} : { concurrency: parseCount('--concurrency', flags.concurrency, 1) }),
        ...(flags.idleTimeout === undefined ? {} : { idleTimeoutSeconds: parseSeconds('--idle-timeout', flags.idleTimeout) }),
        ...(Object.keys(limits).length === 0 ? {} : { resources: { limits } }),
      };
      const { createObject } = await import('../create.ts');
      await createObject(flags, runtimes, name, spec);
    });
  listCommand(noun, 'runtimes');
  deleteCommand(noun, 'runtimes');
}
