/** The command line of this checkout, as a user runs it. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Never rejects: the exit code is part of the result. */
export function tsumugi(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Result> {
  return new Promise((done) => {
    execFile(process.execPath, [resolve('bin/tsumugi.js'), ...args], { env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      done({ code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, stdout, stderr });
    });
  });
}
