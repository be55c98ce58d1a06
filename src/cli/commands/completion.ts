import type { Command } from 'commander';
import { TsumugiError } from '../../base/errors.ts';

/** How long a shell is kept waiting for names from a platform. */
const patienceMs = 3000;

/** `tsumugi completion bash|zsh|fish`: what makes the shell complete commands, flags, kinds, and names from the running platform. */
export function register(program: Command): void {
  program
    .command('completion')
    .description('print what makes a shell complete commands, flags and names')
    .argument('<shell>', 'bash, zsh or fish')
    .addHelpText(
      'after',
      `
Names of functions, Secrets, namespaces and so on come from the platform that the command would reach.

Examples:
  source <(tsumugi completion bash)     for this shell; in ~/.bashrc for all
  source <(tsumugi completion zsh)      the same in ~/.zshrc, behind compinit
  tsumugi completion fish > ~/.config/fish/completions/tsumugi.fish`,
    )
    .action(async (shell: string) => {
      const { scripts } = await import('../completion/scripts.ts');
      const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
      if (script === undefined)
        throw new TsumugiError('Usage', `there is no completion for "${shell}"`, { hint: `allowed: ${Object.keys(scripts).join(', ')}` });
      process.stdout.write(script);
    });
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .action(async (words: string[]) => {
      const { complete } = await import('../completion/complete.ts');
      const late = AbortSignal.timeout(patienceMs);
      const nothing = { how: 'words', candidates: [] } as const;
      const gaveUp = new Promise<typeof nothing>((resolve) => late.addEventListener('abort', () => resolve(nothing)));
      const { how, candidates } = await Promise.race([complete(program, words).catch(() => nothing), gaveUp]);
      const lines = candidates.map(({ value, says }) => (says ? `${value}\t${says.split('\n')[0]}` : value));
      // A server that does not answer may not hold it.
      process.stdout.write(`${[how, ...lines].join('\n')}\n`, () => process.exit(0));
    });
}
