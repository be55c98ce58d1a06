/** The user part of a kubeconfig: certificates, tokens, passwords, and programs that make them (exec plugins). */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { toError, TsumugiError } from '../base/errors.ts';
import type { Credentials } from './connection.ts';
import { type ExecEntry, execCredentials } from './exec-credentials.ts';

export interface UserEntry {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
  readonly username?: string;
  readonly password?: string;
  readonly exec?: ExecEntry;
  readonly 'auth-provider'?: { readonly name?: string };
}

export interface User {
  readonly name: string;
  readonly entry: UserEntry;
  /** Relative paths start here. */
  readonly folder: string;
  readonly file: string;
}

/** How to get this user's credentials, each time they are needed. */
export function userCredentials(
  user: User,
  cluster: object,
  env: Readonly<Record<string, string | undefined>>,
): (refused?: boolean) => Promise<Credentials> {
  const { entry, file, name } = user;
  if (entry['auth-provider']) {
    throw new TsumugiError(
      'Invalid',
      `${file}: user "${name}" uses auth-provider "${entry['auth-provider'].name ?? ''}", which Kubernetes has removed`,
      {
        hint: 'use an exec credential plugin instead',
      },
    );
  }
  const run = entry.exec && execCredentials(entry.exec, user, cluster, env);
  const fixed = Promise.withResolvers<Credentials>();
  fixed.promise.catch(() => undefined);
  let begun = false;
  return async (refused = false) => {
    if (!begun) {
      begun = true;
      certificates(user).then(fixed.resolve, fixed.reject);
    }
    const stable = await fixed.promise;
    if (entry.tokenFile) return { ...stable, token: (await readUserFile(user, 'tokenFile', entry.tokenFile)).trim() };
    if (entry.token) return { ...stable, token: entry.token };
    if (run) return { ...stable, ...(await run(refused)) };
    return stable;
  };
}

async function certificates(user: User): Promise<Credentials> {
  const { entry, file, name } = user;
  const part = async (field: 'client-certificate' | 'client-key'): Promise<string | undefined> => {
    const data = entry[`${field}-data`];
    if (data) return Buffer.from(data, 'base64').toString('utf8');
    const path = entry[field];
    return path ? readUserFile(user, field, path) : undefined;
  };
  const [certificate, key] = await Promise.all([part('client-certificate'), part('client-key')]);
  if ((certificate === undefined) !== (key === undefined)) {
    throw new TsumugiError(
      'Invalid',
      `${file}: user "${name}" has a client ${certificate ? 'certificate without its key' : 'key without its certificate'}`,
    );
  }
  return {
    ...(certificate !== undefined && key !== undefined && { certificate, key }),
    ...(entry.username && { username: entry.username, password: entry.password ?? '' }),
  };
}

async function readUserFile({ folder, file, name }: User, field: string, path: string): Promise<string> {
  try {
    return await readFile(resolve(folder, path), 'utf8');
  } catch (thrown) {
    throw new TsumugiError('NotFound', `${file}: ${field} of user "${name}": ${toError(thrown).message}`);
  }
}
