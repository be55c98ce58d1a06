/** Exec credential plugins of a kubeconfig: a program prints an ExecCredential (client.authentication.k8s.io/v1 or v1beta1). */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { TsumugiError } from '../base/errors.ts';
import type { Credentials } from './connection.ts';

export interface ExecEntry {
  readonly apiVersion?: string;
  readonly command?: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly installHint?: string;
  readonly provideClusterInfo?: boolean;
  readonly interactiveMode?: 'Never' | 'IfAvailable' | 'Always';
}

interface ExecCredential {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly status?: {
    readonly token?: string;
    readonly clientCertificateData?: string;
    readonly clientKeyData?: string;
    readonly expirationTimestamp?: string;
  };
}

const versions = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];
/** Credentials are made anew so long before they end. */
const marginMs = 10_000;

/** Runs the plugin when credentials are first needed, when they have run out, and when the server refused them. */
export function execCredentials(
  exec: ExecEntry,
  user: { readonly name: string; readonly folder: string; readonly file: string },
  cluster: object,
  env: Readonly<Record<string, string | undefined>>,
): (refused: boolean) => Promise<Credentials> {
  const where = `${user.file}: exec of user "${user.name}"`;
  const { command, apiVersion = '' } = exec;
  if (!command) throw new TsumugiError('Invalid', `${where} names no command`);
  if (!versions.includes(apiVersion))
    throw new TsumugiError('Invalid', `${where}: apiVersion must be ${versions.join(' or ')}, not "${apiVersion}"`);
  if (exec.interactiveMode === 'Always')
    throw new TsumugiError('Invalid', `${where} needs a terminal (interactiveMode: Always), which is not supported`);

  // A path is relative to its kubeconfig, a bare name is looked up in PATH.
  const program = command.includes('/') ? resolve(user.folder, command) : command;
  const info = { apiVersion, kind: 'ExecCredential', spec: { interactive: false, ...(exec.provideClusterInfo && { cluster }) } };
  const childEnv = {
    ...env,
    ...Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value])),
    KUBERNETES_EXEC_INFO: JSON.stringify(info),
  };

  const run = (): Promise<{ credentials: Credentials; until: number }> =>
    new Promise((done, fail) => {
      const child = execFile(program, exec.args ?? [], { env: childEnv, maxBuffer: 1 << 20 }, (error, stdout, stderr) => {
        if (error) {
          const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
          const hint = missing ? exec.installHint : undefined;
          const what = missing ? `there is no program "${command}"` : `"${command}" failed: ${stderr.trim() || error.message}`;
          fail(new TsumugiError('Unauthorized', `${where}: ${what}`, { ...(hint && { hint }) }));
          return;
        }
        try {
          done(read(stdout, apiVersion, `${where}: "${command}"`));
        } catch (thrown) {
          fail(thrown);
        }
      });
      child.stdin?.end();
    });

  let made: { credentials: Credentials; until: number } | undefined;
  let pending: Promise<void> | undefined;
  return async (refused) => {
    // Several requests at once run the program once.
    if (!pending && (refused || !made || made.until <= Date.now())) {
      pending = run()
        .then((result) => void (made = result))
        .finally(() => (pending = undefined));
    }
    if (pending) await pending;
    return made!.credentials;
  };
}

function read(stdout: string, apiVersion: string, where: string): { credentials: Credentials; until: number } {
  let answer: ExecCredential;
  try {
    answer = JSON.parse(stdout) as ExecCredential;
  } catch {
    throw new TsumugiError('Unauthorized', `${where} printed no JSON`);
  }
  if (answer.kind !== 'ExecCredential' || answer.apiVersion !== apiVersion) {
    throw new TsumugiError(
      'Unauthorized',
      `${where} printed ${answer.apiVersion ?? '?'} ${answer.kind ?? '?'} instead of ${apiVersion} ExecCredential`,
    );
  }
  const { token, clientCertificateData: certificate, clientKeyData: key, expirationTimestamp } = answer.status ?? {};
  if (!token && !(certificate && key))
    throw new TsumugiError('Unauthorized', `${where} printed neither a token nor a certificate with its key`);
  return {
    credentials: { ...(token && { token }), ...(certificate && key && { certificate, key }) },
    until: expirationTimestamp ? Date.parse(expirationTimestamp) - marginMs : Infinity,
  };
}
