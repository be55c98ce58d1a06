import type { Command } from 'commander';
import { TsumugiError } from '../../base/errors.ts';

/** `tsumugi kubeconfig`: prints the kubeconfig of the platform on this machine. */
export function register(program: Command): void {
  program
    .command('kubeconfig')
    .description('print a kubeconfig for kubectl')
    .option('--data <folder>', 'the platform on this data folder')
    .addHelpText(
      'after',
      `
Examples:
  tsumugi kubeconfig > kubeconfig && export KUBECONFIG=$PWD/kubeconfig
  kubectl get functions`,
    )
    .action(async (flags: { data?: string }) => {
      const [{ readFile }, { findData }, { kubeconfigPath }] = await Promise.all([
        import('node:fs/promises'),
        import('../platform.ts'),
        import('../../client/data-folder.ts'),
      ]);
      const data = findData(flags);
      if (data === undefined)
        throw new TsumugiError('NotFound', 'no platform runs here or in a parent folder', {
          hint: 'start one with `tsumugi up`, or name its folder with --data',
        });
      let text: string;
      try {
        text = await readFile(kubeconfigPath(data), 'utf8');
      } catch (error) {
        throw new TsumugiError('NotFound', `no platform has been started on ${data}`, {
          hint: `start it with \`tsumugi up --data ${data}\``,
          cause: error,
        });
      }
      process.stdout.write(text);
    });
}
