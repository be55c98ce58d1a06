/**
 * esbuild, when it is needed: its service is a process of 10 MB and more, so it starts with the first build and stops when
 * nothing was built for a while.
 */
import type { BuildOptions, BuildResult, Message } from 'esbuild';

import { TsumugiError } from '../base/errors.ts';

const idleMs = 3000;
let running = 0;
let idle: NodeJS.Timeout | undefined;

/** One build. Errors of the user's code are thrown as Invalid with file:line:column and the line itself. */
export async function esbuild(options: BuildOptions): Promise<BuildResult<{ write: false; metafile: true }>> {
  const { build, formatMessages } = await import('esbuild');
  running++;
  clearTimeout(idle);
  try {
    return await build({ ...options, write: false, metafile: true, logLevel: 'silent' });
  } catch (error) {
    const { errors } = error as { errors?: Message[] };
    if (!errors?.length) throw error;
    const frames = await formatMessages(errors, { kind: 'error', color: false });
    throw new TsumugiError('Invalid', frames.map((frame, index) => tidy(frame, errors[index])).join('\n'), { cause: error });
  } finally {
    running--;
    stopWhenIdle();
  }
}

export async function describeWarnings(warnings: readonly Message[]): Promise<string[]> {
  if (warnings.length === 0) return [];
  const { formatMessages } = await import('esbuild');
  const frames = await formatMessages([...warnings], { kind: 'warning', color: false });
  return frames.map((frame, index) => tidy(frame, warnings[index]));
}

/** Ends the service now; the next build starts it again. */
export async function stopEsbuild(): Promise<void> {
  clearTimeout(idle);
  const { stop } = await import('esbuild');
  await stop();
}

function stopWhenIdle(): void {
  if (running > 0) return;
  clearTimeout(idle);
  idle = setTimeout(() => {
    if (running === 0) void stopEsbuild();
  }, idleMs).unref();
}

/** esbuild's frame is `X [ERROR] text` + place + lines; ours starts with `file:line:column: text`, which editors understand. */
function tidy(frame: string, message: Message | undefined): string {
  if (!message?.location) return message?.text ?? frame.trim();
  const { file, line, column } = message.location;
  const lines = frame.split('\n').slice(1);
  const place = lines.findIndex((each) => each.trimEnd().endsWith(':') && each.includes(`:${line}:`));
  const code = lines.slice(place + 1).filter((each) => each.trim() !== '');
  return [`${file}:${line}:${column + 1}: ${message.text}`, ...code].join('\n');
}
