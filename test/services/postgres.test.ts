/** Records in a real PostgreSQL: the contracts of all drivers, and what only a server can do: several at once, restarts, refusals. */
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { blobContract } from '../../src/records/blobs.contract.ts';
import { fenceContract } from '../../src/records/fence.contract.ts';
import { logContract } from '../../src/records/logs.contract.ts';
import { migrations } from '../../src/records/postgres/migrations.ts';
import { openPostgresRecords } from '../../src/records/postgres/records.ts';
import { runContract } from '../../src/records/runs.contract.ts';
import type { Records } from '../../src/records/records.ts';
import { storeContract } from '../../src/records/store.contract.ts';
import { type PostgresCluster, postgresPrograms, startPostgres } from './postgres-cluster.ts';

const programs = postgresPrograms();

describe.runIf(programs)('records in PostgreSQL', () => {
  let cluster: PostgresCluster;
  let url: string;
  let count = 0;
  const opened: Records[] = [];
  const open = async (at = url): Promise<Records> => {
    const records = await openPostgresRecords(at);
    opened.push(records);
    return records;
  };

  beforeAll(async () => {
    cluster = await startPostgres(programs as string);
  });
  afterAll(() => cluster.close());
  beforeEach(() => {
    url = cluster.createDatabase(`records_${(count += 1)}`);
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((records) => records.close()));
  });

  describe('blobs', () => blobContract(async () => (await open()).blobs));
  describe('logs', () => logContract(async () => (await open()).logs));
  describe('runs', () => runContract(async () => (await open()).runs));
  describe('fences', () => fenceContract(async () => ({ ...(await open()).fences, close: async () => undefined })));

  describe('the key-value store', () => storeContract(async () => (await open()).store));

  it('makes the tables once when many start at the same moment', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => open()));
    expect(await Promise.all(all.map((records) => records.fences.highest('a')))).toEqual(Array.from({ length: 8 }, () => 0));
    expect(cluster.sql(url.split('/').at(-1) ?? '', 'SELECT string_agg(format::text, $$,$$) FROM tsumugi_migrations').trim()).toBe(
      migrations.map((_, step) => step + 1).join(','),
    );
  });

  it('needs no right to make tables once they are there, and says what is missing when it has none', async () => {
    const database = url.split('/').at(-1) ?? '';
    cluster.sql(
      database,
      'DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN; REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO guest',
    );
    await expect(open(cluster.url(database, 'guest'))).rejects.toMatchObject({
      code: 'Unavailable',
      message: expect.stringContaining('too few rights'),
      hint: expect.stringContaining('GRANT CREATE'),
    });
    await open();
    cluster.sql(
      database,
      'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO guest; GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO guest',
    );
    const guest = await open(cluster.url(database, 'guest'));
    const [id] = await guest.blobs.put([new Uint8Array([1])]);
    expect(await guest.blobs.has([id ?? ''])).toEqual([true]);
    await guest.logs.append([{ stream: 's', lines: [{ time: 1, text: 'a' }] }]);
    expect(await guest.logs.read('s')).toHaveLength(1);
    cluster.sql(database, 'DROP OWNED BY guest; DROP ROLE guest');
  });

  it('refuses a database that a newer version has written', async () => {
    await open();
    cluster.sql(url.split('/').at(-1) ?? '', 'INSERT INTO tsumugi_migrations (format) VALUES (99)');
    await expect(open()).rejects.toMatchObject({ code: 'Unavailable', message: expect.stringContaining('format 99') });
  });

  it('refuses a database of another encoding', async () => {
    const latin = cluster.createDatabase('latin', `ENCODING LATIN1 LOCALE 'C' TEMPLATE template0`);
    await expect(open(latin)).rejects.toMatchObject({ code: 'Invalid', message: expect.stringContaining('LATIN1') });
  });

  it.each([
    ['http://localhost/x', 'Invalid', 'not one of PostgreSQL'],
    ['records.db', 'Invalid', 'not one of PostgreSQL'],
    ['postgres://localhost', 'Invalid', 'names no database'],
  ])('says what is wrong with the URL %s', async (wrong, code, message) => {
    await expect(open(wrong)).rejects.toMatchObject({ code, message: expect.stringContaining(message), hint: expect.any(String) });
  });

  it('tells a database that is not there, a user that is not known and a server that is away, and never the password', async () => {
    const failed = async (at: string): Promise<{ code: string; message: string; hint: string }> =>
      open(at).then(
        () => expect.unreachable(),
        (error) => error,
      );
    expect(await failed(cluster.url('nowhere'))).toMatchObject({ code: 'Unavailable', hint: expect.stringContaining('create it') });
    const stranger = await failed(url.replace('tsumugi@', 'stranger:hushhush@'));
    expect(stranger).toMatchObject({ code: 'Unavailable', hint: expect.stringContaining('password') });
    expect(stranger.message).not.toContain('hushhush');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    expect(await failed(`postgres://tsumugi@127.0.0.1:${port}/x`)).toMatchObject({
      code: 'Unavailable',
      message: expect.stringContaining('is away'),
    });
  });

  it('goes on after the database was stopped and after it crashed', async () => {
    const records = await open();
    for (const mode of ['fast', 'immediate'] as const) {
      await records.logs.append([{ stream: mode, lines: [{ time: 1, text: 'before' }] }]);
      await cluster.stop(mode);
      await expect(records.logs.read(mode)).rejects.toMatchObject({ code: 'Unavailable', hint: expect.any(String) });
      await expect(records.blobs.put([new Uint8Array([1])])).rejects.toMatchObject({ code: 'Unavailable' });
      await cluster.start();
      expect(await records.logs.read(mode)).toMatchObject([{ text: 'before' }]);
    }
  });

  it('gives up a statement that takes too long, and goes on', async () => {
    const records = await openPostgresRecords(url, { statementTimeoutSeconds: 0.2 });
    opened.push(records);
    const database = url.split('/').at(-1) ?? '';
    const lock = await openLock(url);
    await lock.take('LOCK TABLE tsumugi_fences');
    await expect(records.fences.raise({ scope: 'a', epoch: 1 })).rejects.toMatchObject({
      code: 'Unavailable',
      message: expect.stringContaining('took too long'),
    });
    await lock.release();
    await records.fences.raise({ scope: 'a', epoch: 1 });
    expect(cluster.sql(database, 'SELECT epoch FROM tsumugi_fences').trim()).toBe('1');
  });

  it('keeps a deposed leader from deleting, also when both write at the same moment', async () => {
    const [old, next] = [await open(), await open()];
    for (let epoch = 1; epoch < 40; epoch += 2) {
      const [id] = (await old.blobs.put([Buffer.from(`package ${epoch}`)])) as [string];
      const deleting = old.blobs.delete([id], { fence: { scope: 'controllers', epoch } }).then(
        () => true,
        () => false,
      );
      const raised = next.fences.raise({ scope: 'controllers', epoch: epoch + 1 });
      const [deleted] = await Promise.all([deleting, raised]);
      // Either it was before the change of leaders, then it is done; or after, then nothing is.
      expect(await next.blobs.has([id])).toEqual([!deleted]);
      await expect(old.blobs.delete([id], { fence: { scope: 'controllers', epoch } })).rejects.toMatchObject({ code: 'Conflict' });
    }
  });
});

/** A transaction of another program that holds a lock. */
async function openLock(url: string): Promise<{ take(statement: string): Promise<void>; release(): Promise<void> }> {
  const { Client } = (await import('pg')).default;
  const client = new Client(url);
  await client.connect();
  return {
    take: async (statement) => void (await client.query(`BEGIN; ${statement}`)),
    release: () => client.end(),
  };
}

it.skipIf(programs)('needs PostgreSQL (initdb, pg_ctl, psql), which is not installed here: apt-get install postgresql', ({ skip }) =>
  skip(),
);
