import type { Command } from 'commander';
import { collect } from '../values.ts';

export interface ClusterFlags {
  readonly namespace?: string;
  readonly context?: string;
  readonly kubeconfig?: string;
}

export interface InstallFlags extends ClusterFlags {
  readonly gateways?: string;
  readonly databaseSecret?: string;
  readonly image?: string[];
  readonly imagePullSecret?: string[];
  readonly domain?: string;
  readonly gatewayUrl?: string;
  readonly serviceType?: string;
  readonly dryRun?: boolean;
  readonly output: string;
  readonly wait?: boolean;
  readonly timeout: string;
}

/** The options that say which cluster: `install` and `uninstall` are never about a platform of `up`. */
export function clusterOptions(command: Command): Command {
  return command
    .option('-n, --namespace <name>', 'the system namespace (default: tsumugi-system)')
    .option('--context <name>', 'the cluster of this kubeconfig context (default: the current one)')
    .option('--kubeconfig <file>', 'kubeconfig file');
}

/** `tsumugi install`: the platform on a Kubernetes cluster; again: the upgrade. */
export function register(program: Command): void {
  clusterOptions(program.command('install').description('put the platform on a Kubernetes cluster, or upgrade it'))
    .option('--gateways <number>', 'replicas of the gateway (default 2)')
    .option(
      '--database-secret <name>',
      'Secret of the system namespace with a PostgreSQL URL in its key "url"; without it: evaluation only',
    )
    .option('--image <NAME=REF>', 'where an image is: tsumugi/platform=…, tsumugi/node=… or tsumugi/binary=…; may be given again', collect)
    .option(
      '--image-pull-secret <name>',
      'Secret to pull images with, in the system namespace and in those of functions; may be given again',
      collect,
    )
    .option('--domain <name>', 'functions answer at NAME.NAMESPACE.DOMAIN, too (default localhost)')
    .option(
      '--gateway-url <url>',
      'what the URLs of functions begin with, as https://fn.example.com (default: the Service, inside of the cluster)',
    )
    .option('--service-type <ClusterIP|NodePort|LoadBalancer>', 'of the gateway (default ClusterIP)')
    .option('--dry-run', 'change nothing: say what would be done, or with -o yaml print the manifests without asking the cluster')
    .option('-o, --output <table|yaml>', 'table, or the manifests', 'table')
    .option('--wait', 'wait until it runs, and say why it does not')
    .option('--timeout <duration>', 'wait at most so long', '3m')
    .addHelpText(
      'after',
      `
Examples:
  tsumugi install --wait                          to try it: packages and logs go with the controller's pod
  tsumugi install --database-secret records       two controllers, records in PostgreSQL
  tsumugi install --dry-run -o yaml > tsumugi.yaml
  tsumugi install --gateways 4 --service-type LoadBalancer --domain fn.example.com`,
    )
    .action(async (flags: InstallFlags) => {
      const { install } = await import('../install.ts');
      await install(flags);
    });
}
