/** The child's side: what every process that the supervisor forks does the same way. */
import module from 'node:module';
import { errorTable, TsumugiError, toError, type ErrorCode } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { processMetrics } from './process-metrics.ts';
import { giveMemoryBack } from './quiet-memory.ts';
import type { RoleSettings } from './settings.ts';
import type { FromSupervisor, PlainError, ToSupervisor } from './messages.ts';

export interface RunningRole {
  /** What the user should know, one sentence each. */
  readonly warnings?: readonly string[];
  /** Prometheus text, beside what every process tells of itself. */
  metrics?(): string;
  waitFor?(names: readonly string[]): void;
  /** Takes no new work, finishes what runs within `graceMs`, closes everything. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Runs a role until the supervisor says stop. The IPC channel is the life-line: without a supervisor there is no platform, so its
 * loss ends the process at once, whatever it was doing (a killed supervisor leaves nothing behind).
 */
export async function runRole(log: Log, start: (settings: RoleSettings) => Promise<RunningRole>): Promise<void> {
  if (!process.send) throw new Error('this is a part of `tsumugi up` and is started by it');
  process.on('disconnect', () => process.exit(1));
  // Ctrl-C reaches the whole group of the terminal: the supervisor decides what it means.
  process.on('SIGINT', () => {});
  process.on('uncaughtException', (error) => {
    log.error({ err: error }, 'a defect ends this process; the supervisor starts it again');
    process.exit(1);
  });

  const ownMetrics = processMetrics();
  let role: RunningRole | undefined;
  let stopping = false;
  process.on('message', (message: FromSupervisor) => {
    if (message.type === 'metrics') {
      void tell({ type: 'answer', id: message.id, text: ownMetrics() + (role?.metrics?.() ?? '') });
    } else if (message.type === 'waitFor') {
      role?.waitFor?.(message.names);
    } else if (message.type === 'stop' && !stopping) {
      stopping = true;
      // One that is still starting has nothing to finish.
      Promise.resolve(role?.stop(message.graceMs)).then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ err: toError(error) }, 'could not stop in order');
          process.exit(1);
        },
      );
    }
  });
  try {
    role = await start(JSON.parse(process.argv[2] ?? '{}') as RoleSettings);
    // Now, not at the end: from the next start on nothing is stripped of types again, which halves this process's memory.
    module.flushCompileCache();
    giveMemoryBack();
  } catch (error) {
    log.debug({ err: toError(error) }, 'cannot start');
    await tell({ type: 'failed', error: plainError(error) });
    process.exit(1);
  }

  await tell({ type: 'ready', warnings: role.warnings ?? [] });
}

/** Resolves when the message is on its way. */
function tell(message: ToSupervisor): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send?.(message, () => resolve());
    else resolve();
  });
}

/** An error as a message: the code is kept, a taken port is told as such. */
export function plainError(thrown: unknown): PlainError {
  const error = toError(thrown);
  if (error instanceof TsumugiError) return { code: error.code, message: error.message, ...(error.hint ? { hint: error.hint } : {}) };
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE')
    return { code: 'Conflict', message: error.message, hint: 'somebody took the port in the meantime; try again or choose another' };
  return { code: code && code in errorTable ? (code as ErrorCode) : 'Internal', message: error.stack ?? error.message };
}
