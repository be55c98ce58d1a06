/** A function that is a program: started once for each request, with the body as stdin and stdout as the answer. */
import { isUtf8 } from 'node:buffer';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { Answer } from '../node/answer.ts';
import { writeLog } from '../node/console.ts';
import type { Invocation } from '../node/invocation.ts';
import { type LoadedFunction, LoadError } from '../node/loaded.ts';
import { Launcher, type Started } from './launcher.ts';
import { commandFor } from './program-file.ts';
import { variablesOf } from './variables.ts';

/** The program in a package. */
export const programFile = 'handler';

/** An answer begins with so many bytes, or so long (ms) after the first: until then a program that fails is told with a 500. */
const hold = { bytes: 16 * 1024, ms: 20 } as const;

/** The program ended badly. What it wrote to stderr stands in the log. */
class ProgramFailed extends Error {
  static {
    this.prototype.name = 'ProgramFailed';
  }
  constructor(code: number) {
    super(code > 128 && code < 160 ? `the program was killed by signal ${code - 128}` : `the program ended with exit code ${code}`);
  }
  /** Where in our code it was noticed says nothing to anybody. */
  [inspect.custom](): string {
    return this.message;
  }
}

/**
 * The program in `folder`, ready to be started.
 *
 * @throws {LoadError} when it cannot run here.
 */
export async function loadProgram(folder: string): Promise<LoadedFunction> {
  const path = join(folder, programFile);
  chmodSync(path, 0o755);
  const command = commandFor(path, process.env['PATH'] ?? '');
  const launchers = new Launchers(join(folder, '.tsumugi'));
  await launchers.give(
    await launchers.take().catch((error: Error) => {
      throw new LoadError(error.message);
    }),
  );
  return { exports: [], respond: (invocation) => respond(invocation, command, launchers), named: () => undefined };
}

/** As many as requests have run at once; each is used again until it has ended. */
class Launchers {
  readonly #folder: string;
  readonly #free: Launcher[] = [];
  #made = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async take(): Promise<Launcher> {
    for (let launcher = this.#free.pop(); launcher; launcher = this.#free.pop()) if (launcher.isAlive) return launcher;
    return Launcher.open(join(this.#folder, String(this.#made++)), writeLog);
  }

  async give(launcher: Launcher): Promise<void> {
    await launcher.idle;
    if (launcher.isAlive) this.#free.push(launcher);
  }
}

async function respond(invocation: Invocation, command: readonly string[], launchers: Launchers): Promise<Answer> {
  const { launcher, output, exit } = await begin(invocation, command, launchers);
  const signal = invocation.signal();
  const kill = (): void => launcher.kill();
  signal.addEventListener('abort', kill);
  if (signal.aborted) kill();
  /** Throws when it was told to stop, or failed. */
  const end = async (): Promise<void> => {
    const code = await exit;
    signal.removeEventListener('abort', kill);
    void launchers.give(launcher);
    if (signal.aborted) throw signal.reason as Error;
    if (code !== 0) throw new ProgramFailed(code);
  };

  await output.gather(hold.bytes, hold.ms);
  if (output.isOver) {
    await end();
    const body = output.take();
    return { status: 200, fields: ['content-type', typeOf(body)], body };
  }
  let first: Buffer | undefined = output.take();
  return {
    status: 200,
    fields: ['content-type', typeOf(first)],
    body: {
      async read() {
        const piece = first ?? (await output.read());
        first = undefined;
        if (piece === undefined) await end();
        return piece;
      },
      cancel: kill,
    },
  };
}

async function begin(invocation: Invocation, command: readonly string[], launchers: Launchers): Promise<Started & { launcher: Launcher }> {
  for (;;) {
    const launcher = await launchers.take().catch((error: Error) => {
      // No room for another process, say, because of what programs left behind: only a new pod helps.
      setImmediate(() => {
        throw error;
      });
      throw error;
    });
    try {
      return { launcher, ...launcher.start(command, variablesOf(invocation), invocation.requestId, invocation.incoming) };
    } catch (error) {
      launcher.kill();
      // A program has removed its files. A new one has its own.
      if (!launcher.isUsed) throw error;
    }
  }
}

/** Text, as far as one sees: the last character may come with the next piece. */
function typeOf(bytes: Buffer): string {
  const cut = bytes.length > 3 ? bytes.findLastIndex((byte) => (byte & 0xc0) !== 0x80) : bytes.length;
  const isText = (isUtf8(bytes) || isUtf8(bytes.subarray(0, cut))) && !bytes.includes(0);
  return isText ? 'text/plain; charset=utf-8' : 'application/octet-stream';
}
