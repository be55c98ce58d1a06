/** A small pool of connections to PostgreSQL, and its errors in our words. `pg` is loaded only when it is used. */
import type { Pool, PoolClient, QueryResultRow } from 'pg';

import { toError, TsumugiError } from '../../base/errors.ts';
import { type Log, silentLog } from '../../base/log.ts';

export interface DatabaseOptions {
  /** Connections at most. Default 4. */
  readonly connections?: number;
  /** What a statement may take, there and back. Default 30. */
  readonly statementTimeoutSeconds?: number;
  readonly log?: Log;
}

/** How long a connection may take to be made, or to become free. */
const connectTimeoutMs = 5000;

export class Database {
  readonly #pool: Pool;
  /** For people: host and database, never the password. */
  readonly #place: string;

  private constructor(pool: Pool, place: string) {
    this.#pool = pool;
    this.#place = place;
  }

  /** Connects to nothing yet. Throws Invalid for a URL that is none. */
  static async open(
    url: string,
    { connections = 4, statementTimeoutSeconds = 30, log = silentLog }: DatabaseOptions = {},
  ): Promise<Database> {
    const place = placeOf(url);
    const { Pool: PgPool } = (await import('pg')).default;
    const milliseconds = statementTimeoutSeconds * 1000;
    const pool = new PgPool({
      connectionString: url,
      max: connections,
      connectionTimeoutMillis: connectTimeoutMs,
      idleTimeoutMillis: 30_000,
      keepAlive: true,
      application_name: 'tsumugi',
      // The server gives up first; the client only where the server does not answer at all.
      statement_timeout: milliseconds,
      query_timeout: milliseconds + 2000,
    });
    // An idle connection that breaks: the pool makes another when one is needed.
    pool.on('error', (error) => log.warn({ database: place, error: error.message }, 'a connection to the database broke'));
    return new Database(pool, place);
  }

  /** One statement, one round trip, one transaction. */
  async query<Row extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    try {
      return (await this.#pool.query<Row>(text, [...values])).rows;
    } catch (error) {
      throw explain(error, this.#place);
    }
  }

  /** Several statements on one connection. */
  async session(work: (client: PoolClient) => Promise<void>): Promise<void> {
    let client: PoolClient | undefined;
    try {
      client = await this.#pool.connect();
      await work(client);
      client.release();
    } catch (error) {
      client?.release(true);
      throw explain(error, this.#place);
    }
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

function placeOf(url: string): string {
  const hint = 'as postgres://USER:PASSWORD@HOST:5432/DATABASE';
  // A folder of a unix socket: postgres://USER@/DATABASE?host=/var/run/postgresql
  const parsed = URL.parse(url.replace(/@\//, '@localhost/'));
  if (!parsed || (parsed.protocol !== 'postgres:' && parsed.protocol !== 'postgresql:')) {
    throw new TsumugiError('Invalid', 'the database URL is not one of PostgreSQL', { hint });
  }
  if (parsed.pathname.length < 2) throw new TsumugiError('Invalid', 'the database URL names no database', { hint });
  return `${parsed.searchParams.get('host') ?? parsed.host}${parsed.pathname}`;
}

/** By SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const remedies: readonly (readonly [RegExp, string, string])[] = [
  [/^28/, 'does not let us in', 'check user and password of the database URL'],
  [/^3D000$/, 'has no such database', 'create it, with ENCODING UTF8'],
  [/^42501$/, 'gives too few rights', 'the user needs its own tables: make it the owner of the database, or GRANT CREATE ON SCHEMA public'],
  [/^57014$/, 'took too long', 'the database is busy; it will be tried again'],
  [/^53/, 'is full', 'give it room: connections, memory or disk'],
  [/^(57P|08)/, 'is away', 'it will be tried again; check that PostgreSQL runs'],
];

/** What trying again, or an administrator, can mend is Unavailable; anything else is a defect. */
function explain(thrown: unknown, place: string): TsumugiError {
  if (thrown instanceof TsumugiError) return thrown;
  const error = toError(thrown) as Error & { code?: string; errors?: readonly Error[] };
  // Several addresses were tried: each has an error, the whole has none.
  const message = error.message || (error.errors?.[0]?.message ?? 'no answer');
  const code = error.code ?? '';
  const isState = /^[0-9A-Z]{5}$/.test(code) && 'severity' in error;
  const [, says, hint] = (isState ? remedies.find(([states]) => states.test(code)) : remedies.at(-1)) ?? [];
  if (says === undefined) return new TsumugiError('Internal', `PostgreSQL at ${place}: ${message}`, { cause: error });
  return new TsumugiError('Unavailable', `PostgreSQL at ${place} ${says}: ${message}`, {
    cause: error,
    retryAfterSeconds: 2,
    ...(hint && { hint }),
  });
}
