/** A PostgreSQL of the test's own: the programs of Debian's package, a folder in the temporary one, a port of the loopback, and of another address if that is asked for. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, appendFileSync, chownSync, constants, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface PostgresCluster {
  /** A folder of the test's own; gone with `close`. */
  readonly folder: string;
  /** A new, empty database; its URL. `options`: what CREATE DATABASE takes. */
  createDatabase(name: string, options?: string): string;
  url(database: string, user?: string): string;
  /** Resolves when it answers. */
  start(): Promise<void>;
  /** `immediate` is a crash. */
  stop(mode: 'fast' | 'immediate'): Promise<void>;
  /** Statements on a database, as the superuser. */
  sql(database: string, statements: string): string;
  close(): void;
}

/** The folder of `initdb`, `pg_ctl` and `psql`; undefined: there is no PostgreSQL here. */
export function postgresPrograms(): string | undefined {
  const root = '/usr/lib/postgresql';
  let versions: string[] = [];
  try {
    versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  } catch {
    // Not Debian's layout.
  }
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...versions.map((version) => join(root, version, 'bin'))];
  return folders.find((folder) => ['initdb', 'pg_ctl', 'psql'].every((program) => isProgram(join(folder, program))));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** `address`: whoever reaches it there is believed, as on the loopback. */
export async function startPostgres(programs: string, address?: string): Promise<PostgresCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'tsumugi-postgres-'));
  // The server refuses to run as root.
  const as = process.getuid?.() === 0 ? idsOf('postgres') : undefined;
  if (as) chownSync(folder, as.uid, as.gid);
  const data = join(folder, 'data');
  const port = await freePort();
  const options = { cwd: folder, env: { PATH: programs, LC_ALL: 'C.UTF-8' }, ...as };
  const run = (program: string, args: readonly string[]): string => {
    const { status, error, stdout, stderr } = spawnSync(join(programs, program), args, { ...options, encoding: 'utf8' });
    if (error || status !== 0) throw error ?? new Error(`${program} ended with ${status}: ${stderr}`);
    return stdout;
  };
  /** Without pipes: the server keeps what it inherits, and their end would be its own. */
  const control = async (...args: string[]): Promise<void> => {
    const [code] = (await once(spawn(join(programs, 'pg_ctl'), args, { ...options, stdio: 'ignore' }), 'close')) as [number | null];
    if (code !== 0) throw new Error(`pg_ctl ${args[0]} ended with ${code}`);
  };
  const start = (): Promise<void> => {
    const addresses = ['127.0.0.1', ...(address === undefined ? [] : [address])].join(',');
    const settings = `-c listen_addresses=${addresses} -c port=${port} -c unix_socket_directories=${folder} -c fsync=off`;
    return control('start', '-w', '-D', data, '-l', join(folder, 'log'), '-o', settings);
  };
  const stop = (mode: 'fast' | 'immediate'): Promise<void> => control('stop', '-w', '-D', data, '-m', mode);
  const url = (database: string, user = 'tsumugi'): string => `postgres://${user}@127.0.0.1:${port}/${database}`;
  const sql = (database: string, statements: string): string =>
    run('psql', ['-X', '-q', '-t', '-A', '-v', 'ON_ERROR_STOP=1', '-c', statements, url(database)]);
  const close = (): void => {
    spawnSync(join(programs, 'pg_ctl'), ['stop', '-w', '-D', data, '-m', 'immediate'], { ...options, stdio: 'ignore' });
    rmSync(folder, { recursive: true });
  };
  try {
    run('initdb', ['-D', data, '-U', 'tsumugi', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync']);
    if (address !== undefined) appendFileSync(join(data, 'pg_hba.conf'), 'host all all all trust\n');
    await start();
  } catch (error) {
    close();
    throw error;
  }
  return {
    folder,
    start,
    stop,
    url,
    sql,
    close,
    createDatabase: (name, options = '') => {
      sql('postgres', `CREATE DATABASE ${name} ${options}`);
      return url(name);
    },
  };
}

function idsOf(user: string): { uid: number; gid: number } {
  const id = (flag: string): number => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
