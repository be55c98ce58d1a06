/** No isolation: the program runs as the platform's own user, in a folder of its own. For machines where nothing better works. */
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { podsFolder } from '../paths.ts';
import { basePath } from './isolation.ts';
import type { Isolation, Place } from './isolation.ts';
import { clearPlaceFolder, makePlaceFolder, removePlaceFolder, resetPlaceFolder, takeSocket } from './place-folder.ts';

export function processIsolation(runFolder: string): Isolation {
  const place = (id: string): Place => {
    const folder = join(podsFolder(runFolder), id);
    const [work, tmp] = [join(folder, 'work'), join(folder, 'tmp')];
    return {
      id,
      folder,
      owner: undefined,
      inside: { work, tmp, socket: join(folder, 's', 's'), node: process.execPath, bundle: (path) => path },
      launch: ({ argv, env, cwd, hostname }) =>
        Promise.resolve({
          argv,
          env: {
            PATH: basePath,
            HOME: tmp,
            TMPDIR: tmp,
            TSUMUGI_SECRETS: join(folder, 'secrets'),
            TSUMUGI_CONFIGS: join(folder, 'configs'),
            ...(hostname && { HOSTNAME: hostname }),
            ...env,
          },
          cwd: cwd ?? work,
          nested: false,
        }),
      enter: (pid) =>
        Promise.resolve({ pid, argv: [], env: { PATH: basePath, HOME: tmp, TMPDIR: tmp, ...environOf(pid) }, cwd: work, check: ':' }),
      limit() {},
      weight() {},
      sealSocket: () => takeSocket(folder),
      oomKills: () => 0,
      reset: () => resetPlaceFolder(folder, undefined),
      clear: () => clearPlaceFolder(folder),
      remove: () => removePlaceFolder(folder),
    };
  };
  return {
    name: 'process',
    description: 'none: pods are plain processes of this user',
    warnings: [
      'NO ISOLATION: functions run as this user and can read its files, the database and the secrets of all functions. Run only code that you trust.',
      'files of Secrets and ConfigMaps are in the folders that $TSUMUGI_SECRETS and $TSUMUGI_CONFIGS name, and not at /secrets and /configs',
    ],
    canMount: false,
    limitsMemory: false,
    async open(id) {
      const opened = place(id);
      makePlaceFolder(opened.folder, undefined);
      return opened;
    },
    reserveOwner: () => undefined,
    releaseOwner() {},
    sweep() {},
    close() {},
    async adopt(id) {
      const adopted = place(id);
      return stat(adopted.folder).then(
        () => adopted,
        () => undefined,
      );
    },
  };
}

/** A process's variables as it was given them; none where the system does not tell. */
function environOf(pid: number): Record<string, string> {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    const env = Object.fromEntries(
      entries.flatMap((entry) => [/^([^=]+)=(.*)$/s.exec(entry)?.slice(1) as [string, string]].filter(Boolean)),
    );
    const { TSUMUGI_LIFELINE: _descriptor, ...rest } = env;
    return rest;
  } catch {
    return {};
  }
}
