/** The last words of a container, for its status: what it wrote to `terminationMessagePath`, or the end of its log. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Container } from '../../../resources/builtin/pod-types.ts';
import type { Bind } from '../isolation/isolation.ts';
import { lastWords } from '../isolation/place-folder.ts';

const usualPath = '/dev/termination-log';
const mostBytes = 4096;
const mostLogBytes = 2048;
const mostLogLines = 80;
/** Of the log's file: each line has its time before it. */
const readLogBytes = 16 * 1024;

/** The usual file is in every place. */
export const hasOwnMessagePath = ({ terminationMessagePath: path = usualPath }: Container): boolean => path !== usualPath && path !== '';

/** The file at a path of the container's own choice. `folder`: of its place. */
export function messageBind(container: Container, folder: string): readonly Bind[] {
  if (!hasOwnMessagePath(container)) return [];
  return [{ source: join(folder, lastWords), target: container.terminationMessagePath as string, readOnly: false, file: true }];
}

/** '' where there are none. */
export function terminationMessage(
  { terminationMessagePolicy: policy }: Container,
  folder: string,
  exitCode: number,
  logFile: string | undefined,
): string {
  const said = endOf(join(folder, lastWords), mostBytes);
  if (said !== '' || policy !== 'FallbackToLogsOnError' || exitCode === 0 || logFile === undefined) return said;
  const log = endOf(logFile, readLogBytes);
  const lines = [...log.matchAll(/^\S+ (?:stdout|stderr) ([FP]) (.*)\n/gm)].map(([, part, text]) => `${text}${part === 'F' ? '\n' : ''}`);
  const text = Buffer.from(lines.slice(-mostLogLines).join(''));
  return text.subarray(Math.max(0, text.length - mostLogBytes)).toString();
}

/** Synchronous: most are empty, and the rest is small. */
function endOf(path: string, most: number): string {
  try {
    const { size } = statSync(path);
    if (size === 0) return '';
    const file = openSync(path, 'r');
    try {
      const buffer = Buffer.alloc(Math.min(size, most));
      return buffer.subarray(0, readSync(file, buffer, { position: Math.max(0, size - most) })).toString();
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}
