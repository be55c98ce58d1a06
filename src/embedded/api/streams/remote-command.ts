/** `exec` and `attach` of an open WebSocket, until one side ends. */
import type { WebSocket } from 'ws';
import { toError } from '../../../base/errors.ts';
import { ApiError } from '../../../resources/object.ts';
import { internal } from '../status.ts';
import { Channels } from './channels.ts';
import type { OpenStream } from './open.ts';

export async function serveRemoteCommand(
  socket: WebSocket,
  { kind, access, pod, options }: Extract<OpenStream, { kind: 'exec' | 'attach' }>,
  ending: AbortSignal,
): Promise<void> {
  const channels = new Channels(socket);
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  const { container, command, stdin, stdout, stderr, tty } = options;
  const request = {
    container,
    ...(stdin && { stdin: channels.stdin }),
    ...(stdout && { stdout: channels.output('stdout') }),
    ...(stderr && { stderr: channels.output('stderr') }),
    tty,
    sizes: channels.sizes,
    signal: AbortSignal.any([gone.signal, ending]),
  };
  // What is sent to a stdin that was not asked for goes nowhere.
  if (!stdin) channels.stdin.resume();
  try {
    if (kind === 'exec') channels.finish(exitStatus(await access.exec(pod, { ...request, command })));
    else {
      await access.attach(pod, request);
      channels.finish(success);
    }
  } catch (error) {
    channels.finish((error instanceof ApiError ? error : internal(toError(error).message)).status);
  }
}

const success = { metadata: {}, status: 'Success' };

const exitStatus = (code: number): object =>
  code === 0
    ? success
    : {
        metadata: {},
        status: 'Failure',
        message: `command terminated with non-zero exit code: command terminated with exit code ${code}`,
        reason: 'NonZeroExitCode',
        details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
      };
