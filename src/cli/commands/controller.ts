import type { Command } from 'commander';
import { controllerTable, readControllerSettings } from '../../processes/cluster/settings.ts';
import { settingOptions } from '../setting-options.ts';

/** `tsumugi controller`: one replica of the platform's controller, until SIGTERM. */
export function register(program: Command): void {
  settingOptions(
    program.command('controller').description('run a controller of the platform on Kubernetes (started by `tsumugi install`)'),
    controllerTable,
  )
    .addHelpText(
      'after',
      `
Examples:
  tsumugi controller                                    in a pod: all is told by variables and the service account
  tsumugi controller --kubeconfig dev.yaml --data /tmp/records --host 127.0.0.1`,
    )
    .action(async (flags: Record<string, string>) => {
      const { controller } = await import('../../processes/cluster/controller.ts');
      // A connection that a pod keeps open must not keep this process.
      process.exit(await controller(readControllerSettings(flags, process.env)));
    });
}
