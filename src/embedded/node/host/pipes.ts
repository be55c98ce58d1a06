/**
 * Pipes for a program's stdin, stdout and stderr. What Node makes for a child are sockets, which nobody can open again:
 * `echo > /dev/stderr` fails with them. Node makes no pipes, so they begin as FIFOs, whose names go at once.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, closeSync, constants, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK } = constants;

export interface StdioPipes {
  /** What the program is spawned with; to be given back by `started`. */
  readonly stdio: readonly ('ignore' | number)[];
  readonly stdin: Socket | undefined;
  readonly stdout: Socket;
  readonly stderr: Socket;
  /** The program has its ends, or could not be started: ours of them are closed. */
  started(): void;
}

/**
 * @param folder where the names are for a moment; nobody else may write there
 * @param options `stdin`: else it is /dev/null; `owner`: the uid that may open them again
 */
export async function makePipes(
  folder: string,
  options: { readonly stdin: boolean; readonly owner?: number | undefined },
): Promise<StdioPipes> {
  const id = randomBytes(5).toString('hex');
  const [out, err, ...into] = [join(folder, `${id}.1`), join(folder, `${id}.2`), ...(options.stdin ? [join(folder, `${id}.0`)] : [])] as [
    string,
    string,
    ...string[],
  ];
  const paths = [out, err, ...into];
  const theirs: number[] = [];
  try {
    await run('mkfifo', ['-m', '600', '--', ...paths]);
    if (options.owner !== undefined) for (const path of paths) chownSync(path, options.owner, options.owner);
    const both = (path: string): { readonly reader: number; readonly writer: number } => openBoth(path, into.includes(path));
    const ends = [out, err, ...into].map(both);
    const [output, errors, input] = ends as [Ends, Ends, Ends | undefined];
    theirs.push(...(input ? [input.reader] : []), output.writer, errors.writer);
    return {
      stdio: [input ? input.reader : 'ignore', output.writer, errors.writer],
      stdin: input && new Socket({ fd: input.writer, readable: false, writable: true }),
      stdout: new Socket({ fd: output.reader, readable: true, writable: false }),
      stderr: new Socket({ fd: errors.reader, readable: true, writable: false }),
      started: () => theirs.splice(0).forEach((fd) => closeSync(fd)),
    };
  } finally {
    for (const path of paths) rmSync(path, { force: true });
  }
}

interface Ends {
  readonly reader: number;
  readonly writer: number;
}

/** The program's end blocks, ours does not. */
function openBoth(path: string, isInput: boolean): Ends {
  // Neither end can be opened alone without waiting for the other.
  const first = openSync(path, O_RDWR | O_NONBLOCK);
  try {
    return {
      reader: openSync(path, O_RDONLY | (isInput ? 0 : O_NONBLOCK)),
      writer: openSync(path, O_WRONLY | (isInput ? O_NONBLOCK : 0)),
    };
  } finally {
    closeSync(first);
  }
}
