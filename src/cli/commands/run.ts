import type { Command } from 'commander';
import { TsumugiError } from '../../base/errors.ts';
import { gatewayOption, platformOptions } from '../flags.ts';
import type { PlatformFlags } from '../platform.ts';
import { isPlugin } from '../program.ts';

/** `tsumugi run SCRIPT`: a program with top-level `await`, connected to the platform. Its output alone goes to stdout. */
export function register(program: Command, exit: (code: number) => void): void {
  gatewayOption(
    platformOptions(
      program
        .command('run')
        .description('run a script that is connected to the platform')
        .argument('<script>', 'TypeScript or JavaScript file')
        .argument('[args...]', 'its arguments, behind --')
        .option('--in-pod', 'not here, but in a pod of its own')
        .option('--image <image>', "with --in-pod: an image with the entry of functions' (default: tsumugi/node)")
        .option('--service-account <name>', 'with --in-pod: who it is on Kubernetes'),
    ),
  )
    .addHelpText(
      'after',
      `
The script imports what it needs from 'tsumugi/client'; call and Kube are there without an import.

Examples:
  tsumugi run nightly.ts
  tsumugi run import.ts -n shop -- --from orders.csv
  tsumugi run nightly.ts --in-pod

With --in-pod it is bundled here and runs as a Job, which is gone when it has ended: its output comes here, its exit code is this
command's. On one machine it is who you are; on Kubernetes it is its service account, which needs the Role tsumugi-user of the
platform's namespace for calls and runners.`,
    )
    .action(async (script: string, args: string[], { inPod, image, serviceAccount, ...flags }: RunFlags) => {
      if (inPod) return exit(await runThere(script, args, flags, { image, serviceAccount }));
      const unfit = image === undefined ? serviceAccount && '--service-account' : '--image';
      if (unfit) throw new TsumugiError('Usage', `${unfit} says something of a pod`, { hint: 'say --in-pod, too' });
      const { runScript } = await import('../run-script.ts');
      exit(await runScript(script, args, { ...flags, lookAround: !isPlugin }));
    });
}

interface PodFlags {
  readonly image?: string | undefined;
  readonly serviceAccount?: string | undefined;
}

interface RunFlags extends PlatformFlags, PodFlags {
  readonly inPod?: boolean;
}

async function runThere(
  script: string,
  args: readonly string[],
  flags: PlatformFlags,
  { image, serviceAccount }: PodFlags,
): Promise<number> {
  const [{ connect }, { runInPod }] = await Promise.all([import('../platform.ts'), import('../run-in-pod.ts')]);
  const platform = await connect(flags);
  const end = new AbortController();
  const stop = (): void => end.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    return await runInPod(platform, script, args, {
      ...(image !== undefined && { image }),
      ...(serviceAccount !== undefined && { serviceAccount }),
      signal: end.signal,
      write: (chunk) => process.stdout.write(chunk),
      tell: (message) => process.stderr.write(`${message}\n`),
    });
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    platform.close();
  }
}
