/**
 * The shim: what runs inside a pod of the runtimes `node` and `binary`, beside the user's code.
 *
 * On one machine (`TSUMUGI_LIFELINE=3`) it starts blank and waits on fd 3 for `{"assign": …}`; the end of fd 3 is its own end. With
 * `TSUMUGI_HURRY` a pod waits for it already: what it would do ahead comes only when nobody claims it for a while.
 * On Kubernetes `TSUMUGI_POD_UID`, `TSUMUGI_LISTEN` and `TSUMUGI_PUBLIC_KEY` say who it is. SIGTERM: finish what runs, exit 0.
 */
import { setSourceMapsSupport } from 'node:module';
import { killPrograms } from '../binary/launcher.ts';
import { installConsole, writeLog } from './console.ts';
import { describe } from './handler.ts';
import type { Assignment } from './instance.ts';
import { isStopReason } from './invocation.ts';
import { openLifeline } from './lifeline.ts';
import { serve, type Serving } from './serve.ts';
import { warmUp } from './warm.ts';
import { installWebClasses } from './web/install.ts';

/** A shim started in a hurry that has no claim for so long is none that somebody waits for (ms). */
const LEFT_ALONE = 1000;

/** How long the log's reader may take for the last lines (ms). */
const LOG_GRACE = 1000;

let serving: Serving | undefined;

/** Ends the process when what was written to the log is out. */
function exit(code: number): void {
  killPrograms();
  process.stdout.write('', () => process.exit(code));
  setTimeout(() => process.exit(code), LOG_GRACE);
}

async function start(assignment: Assignment): Promise<void> {
  serving = await serve(assignment, () => exit(serving?.instance.run?.outcome?.error ? 1 : 0));
}

/** Becomes what the variables say, until it is told to end. */
export function runShim(): void {
  installWebClasses();
  installConsole();
  // Stacks show the lines of the user's own files.
  setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });

  process.on('SIGTERM', () => {
    serving?.instance.run?.cancel();
    if (serving) serving.drain('stopping');
    else process.exit(0);
  });

  // An error that no handler catches leaves the process in a state nobody knows; callers get InstanceExited, the log says why.
  process.on('uncaughtException', (error, origin) => {
    if (origin === 'unhandledRejection' && isStopReason(error)) return;
    const what =
      origin === 'unhandledRejection' ? 'a promise was rejected and nobody caught it' : 'an error was thrown and nobody caught it';
    if (serving?.instance.run?.abandon(error)) return;
    writeLog(`${what}, the instance ends: ${describe(error)}`);
    exit(1);
  });

  const { TSUMUGI_LIFELINE, TSUMUGI_HURRY, TSUMUGI_POD_UID, TSUMUGI_LISTEN, TSUMUGI_PUBLIC_KEY } = process.env;
  if (TSUMUGI_LIFELINE) {
    openLifeline(Number(TSUMUGI_LIFELINE), start);
    const warm = (): void => void (serving?.instance.claim ?? warmUp());
    if (TSUMUGI_HURRY) setTimeout(warm, LEFT_ALONE).unref();
    else setImmediate(warm);
  } else if (TSUMUGI_POD_UID && TSUMUGI_LISTEN && TSUMUGI_PUBLIC_KEY) {
    void start({ pod: TSUMUGI_POD_UID, listen: TSUMUGI_LISTEN, publicKey: TSUMUGI_PUBLIC_KEY });
  } else {
    process.stderr.write(
      'This program runs inside a pod: it needs TSUMUGI_LIFELINE, or TSUMUGI_POD_UID, TSUMUGI_LISTEN and TSUMUGI_PUBLIC_KEY.\n',
    );
    process.exit(2);
  }
}
