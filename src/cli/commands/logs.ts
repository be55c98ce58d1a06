import type { Command } from 'commander';
import { platformOptions } from '../flags.ts';
import type { PlatformFlags } from '../platform.ts';
import { parseCount, parseSeconds } from '../values.ts';

interface LogFlags extends PlatformFlags {
  readonly follow?: boolean;
  readonly tail?: string;
  readonly since?: string;
  readonly timestamps?: boolean;
}

/** `tsumugi logs NAME`: what a function printed, of all its instances, also of those that are gone. */
export function register(program: Command): void {
  platformOptions(
    program
      .command('logs')
      .description('print what a function wrote')
      .argument('<name>', 'function')
      .option('-f, --follow', 'go on as lines come')
      .option('--tail <lines>', 'only the last lines')
      .option('--since <duration>', 'only what is newer, as 10m')
      .option('--timestamps', 'put the time before each line'),
  )
    .addHelpText(
      'after',
      `
A line starts with the id of the request that wrote it: the X-Request-Id of the answer.

Examples:
  tsumugi logs hello
  tsumugi logs hello -f --tail 10
  tsumugi logs hello --since 1h --timestamps`,
    )
    .action(async (name: string, flags: LogFlags) => {
      const query = new URLSearchParams();
      if (flags.follow) query.set('follow', 'true');
      if (flags.tail !== undefined) query.set('tail', String(parseCount('--tail', flags.tail)));
      if (flags.since !== undefined) query.set('since', String(Date.now() - parseSeconds('--since', flags.since) * 1000));
      const { connect } = await import('../platform.ts');
      const platform = await connect(flags);
      const end = new AbortController();
      const stop = (): void => end.abort();
      process.once('SIGINT', stop).once('SIGTERM', stop);
      try {
        for await (const line of platform.platformLines(`/v1/namespaces/${platform.namespace}/functions/${name}/logs?${query.toString()}`, {
          signal: end.signal,
        })) {
          const entry = JSON.parse(line) as { time: number | string; invocation?: string; text: string };
          const time = flags.timestamps ? `${new Date(entry.time).toISOString()} ` : '';
          process.stdout.write(`${time}${entry.invocation ? `[${entry.invocation}] ` : ''}${entry.text}\n`);
        }
      } catch (error) {
        if (!end.signal.aborted) throw error;
      } finally {
        process.off('SIGINT', stop).off('SIGTERM', stop);
      }
    });
}
