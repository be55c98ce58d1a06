import type { Command } from 'commander';
import type { LoggedEvent } from '../../client/events.ts';
import { platformOptions } from '../flags.ts';
import type { PlatformFlags } from '../platform.ts';
import { collect, parseChoice, parseCount, parseSeconds } from '../values.ts';

interface EventFlags extends PlatformFlags {
  readonly follow?: boolean;
  readonly allNamespaces?: boolean;
  readonly since?: string;
  readonly after?: string;
  readonly type?: string[];
  readonly output: string;
}

/** `tsumugi events`: the durable log of what became of runs. */
export function register(program: Command): void {
  platformOptions(
    program
      .command('events')
      .description('print what became of runs, as it was logged')
      .option('-f, --follow', 'go on as they come')
      .option('-A, --all-namespaces', 'of all namespaces')
      .option('--since <duration>', 'only what is newer, as 10m')
      .option('--after <sequence>', 'only what came after this one')
      .option('--type <type>', 'only of this type, as succeeded or dev.tsumugi.runner.succeeded; may be given again', collect)
      .option('-o, --output <text|json>', 'json: whole CloudEvents, one a line', 'text'),
  )
    .addHelpText(
      'after',
      `
Each has a sequence, which only grows: with --after a program goes on where it was. In JSON it is the attribute of that name.

Examples:
  tsumugi events --since 1h --type failed
  tsumugi events -f
  tsumugi events -f --after 1042 -o json | jq .data`,
    )
    .action(async (flags: EventFlags) => {
      const output = parseChoice('-o', flags.output, ['text', 'json']);
      const after = flags.after === undefined ? undefined : parseCount('--after', flags.after);
      const since = flags.since === undefined ? undefined : new Date(Date.now() - parseSeconds('--since', flags.since) * 1000);
      const { connect } = await import('../platform.ts');
      const { readEvents } = await import('../../client/events.ts');
      const platform = await connect(flags);
      const end = new AbortController();
      const stop = (): void => end.abort();
      process.once('SIGINT', stop).once('SIGTERM', stop);
      try {
        const events = readEvents(platform, {
          ...(!flags.allNamespaces && { namespace: platform.namespace }),
          ...(after !== undefined && { after }),
          ...(since && { since }),
          ...(flags.type && { types: flags.type }),
          follow: flags.follow === true,
          signal: end.signal,
        });
        for await (const logged of events) {
          const line = output === 'json' ? JSON.stringify({ ...logged.event, sequence: String(logged.sequence) }) : text(logged, flags);
          process.stdout.write(`${line}\n`);
        }
      } finally {
        process.off('SIGINT', stop).off('SIGTERM', stop);
      }
    });
}

function text({ sequence, namespace, event: { time, type, data } }: LoggedEvent, { allNamespaces }: EventFlags): string {
  const fields = Object.entries(data).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return [time, sequence, ...(allNamespaces ? [namespace] : []), type, ...fields].join('  ');
}
