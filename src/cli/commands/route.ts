import type { Command } from 'commander';
import { TsumugiError } from '../../base/errors.ts';
import { routes } from '../../resources/resources.ts';
import { platformOptions } from '../flags.ts';
import type { PlatformFlags } from '../platform.ts';
import { collect, parseChoice } from '../values.ts';
import { deleteCommand, listCommand } from './function.ts';

interface RouteFlags extends PlatformFlags {
  readonly function?: string;
  readonly path?: string;
  readonly prefix?: string;
  readonly method?: string[];
  readonly host?: string[];
  readonly auth?: string;
}

/** `tsumugi route create|list|delete`. */
export function register(program: Command): void {
  const noun = program.command('route').description('create, list and delete routes (URLs of functions)');
  platformOptions(
    noun
      .command('create')
      .description('give a function a URL of its own')
      .argument('[name]', 'name of the route (default: the function’s)')
      .option('--function <name>', 'function that answers')
      .option('--path <path>', 'exact path, or a template as /orders/{id}')
      .option('--prefix <path>', 'all paths that begin so')
      .option('--method <method>', 'only this method; may be given again', collect)
      .option('--host <host>', 'only this host; may be given again', collect)
      .option('--auth <token>', 'token: requests need a token'),
  )
    .addHelpText(
      'after',
      `
Examples:
  tsumugi route create --function hello --path /hello
  tsumugi route create order --function orders --path '/orders/{id}' --method GET --method PUT
  tsumugi route create shop --function shop --prefix / --host shop.example.org`,
    )
    .action(async (name: string | undefined, flags: RouteFlags) => {
      const backend = flags.function;
      if (backend === undefined)
        throw new TsumugiError('Usage', 'a route needs its function', { hint: 'tsumugi route create --function NAME --path PATH' });
      if (flags.path !== undefined && flags.prefix !== undefined)
        throw new TsumugiError('Usage', '--path and --prefix exclude each other', { hint: 'use one of them' });
      if (flags.path === undefined && flags.prefix === undefined && flags.host === undefined)
        throw new TsumugiError('Usage', 'a route needs --path, --prefix or --host', {
          hint: `as --path /${backend}; --prefix / takes all paths that no other route has`,
        });
      const match = {
        ...(flags.host ? { hosts: flags.host } : {}),
        // A host alone: all of its paths.
        ...(flags.path === undefined ? { prefix: flags.prefix ?? '/' } : { path: flags.path }),
        ...(flags.method ? { methods: flags.method.map((method) => method.toUpperCase()) } : {}),
      };
      const { createObject } = await import('../create.ts');
      const auth = flags.auth && parseChoice('--auth', flags.auth, ['token']);
      await createObject(flags, routes, name ?? backend, { match, ...(auth && { auth }), backend: { function: backend } });
    });
  listCommand(noun, 'routes');
  deleteCommand(noun, 'routes');
}
