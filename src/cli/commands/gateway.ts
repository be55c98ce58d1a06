import type { Command } from 'commander';
import { gatewayTable, readGatewaySettings } from '../../processes/cluster/settings.ts';
import { settingOptions } from '../setting-options.ts';

/** `tsumugi gateway`: one replica of the gateway, until SIGTERM. */
export function register(program: Command): void {
  settingOptions(
    program.command('gateway').description('run a gateway of the platform on Kubernetes (started by `tsumugi install`)'),
    gatewayTable,
  )
    .addHelpText(
      'after',
      `
Examples:
  tsumugi gateway                                       in a pod: all is told by variables and a mounted Secret
  tsumugi gateway --platform https://localhost:6441 --credentials ./credentials --host 127.0.0.1 --port 9000`,
    )
    .action(async (flags: Record<string, string>) => {
      const { clusterGateway } = await import('../../processes/cluster/gateway.ts');
      process.exit(await clusterGateway(readGatewaySettings(flags, process.env)));
    });
}
