import type { Command } from 'commander';

/** Adds the options that say which platform and namespace (`PlatformFlags`). `data`: how a command calls `--data` that needs the word itself. */
export function platformOptions(command: Command, data = '--data'): Command {
  return command
    .option('-n, --namespace <name>', 'namespace (default: the context’s, else "default")')
    .option(`${data} <folder>`, 'the platform on this data folder')
    .option('--context <name>', 'the platform of this kubeconfig context')
    .option('--kubeconfig <file>', 'kubeconfig file')
    .option('--system-namespace <name>', 'where Tsumugi is in a cluster (TSUMUGI_SYSTEM_NAMESPACE, default: looked for)');
}

/** Adds the option of what speaks to functions. */
export function gatewayOption(command: Command): Command {
  return command.option('--gateway <url>', 'the gateway’s URL, where it is not found or is to be reached directly');
}
