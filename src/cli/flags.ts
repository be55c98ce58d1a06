import type { Command } from 'commander';

/** Adds the options that say which platform and namespace (`PlatformFlags`). */
export function platformOptions(command: Command): Command {
  return command
    .option('-n, --namespace <name>', 'namespace (default: the context’s, else "default")')
    .option('--data <folder>', 'the platform on this data folder')
    .option('--context <name>', 'the platform of this kubeconfig context')
    .option('--kubeconfig <file>', 'kubeconfig file');
}
