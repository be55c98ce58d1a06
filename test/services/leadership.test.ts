/** Two processes, one Lease, one database: a leader that was stopped for longer than its Lease writes nothing any more. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { closeAfterEach, onTestEnd, openTestApi } from '../../src/kube/testing/embedded.ts';
import { openPostgresRecords } from '../../src/records/postgres/records.ts';
import type { KubeObject } from '../../src/resources/object.ts';
import { configMaps } from '../../src/resources/resources.ts';
import { postgresPrograms, startPostgres } from './postgres-cluster.ts';

/** Notes who deletes which blob, in the order of writing. */
const watchedBlobs = `
  CREATE ROLE first SUPERUSER LOGIN; CREATE ROLE second SUPERUSER LOGIN;
  CREATE TABLE deletions (n serial PRIMARY KEY, blob text, by_whom text);
  CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN
    INSERT INTO public.deletions (blob, by_whom) VALUES (OLD.id, current_user); RETURN OLD;
  END';
  CREATE TRIGGER note AFTER DELETE ON tsumugi_blobs FOR EACH ROW EXECUTE FUNCTION note();`;

const programs = postgresPrograms();
closeAfterEach();

interface Said {
  readonly name: string;
  readonly leads?: number;
  readonly lost?: string;
  readonly refused?: readonly string[];
}

describe.runIf(programs)('two controllers on one database', () => {
  it('never do a thing twice, though the leader was stopped past its Lease and goes on', async () => {
    const postgres = await startPostgres(programs as string);
    onTestEnd(() => postgres.close());
    const url = postgres.createDatabase('records');
    const api = await openTestApi({ listen: true });
    const kubeconfig = join(postgres.folder, 'kubeconfig');
    writeFileSync(kubeconfig, api.kubeconfig, { mode: 0o600 });
    const records = await openPostgresRecords(url);
    onTestEnd(() => records.close());
    await records.logs.append([{ stream: 's', lines: [{ time: 1, text: 'kept' }] }]);
    await records.blobs.put(Array.from({ length: 1000 }, (_, index) => Buffer.from(`blob ${index}`)));
    postgres.sql('records', watchedBlobs);

    const said: Said[] = [];
    const start = (name: string): ChildProcess => {
      const child = spawn(
        process.execPath,
        [join(import.meta.dirname, 'leader-child.ts'), kubeconfig, postgres.url('records', name), name],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      createInterface({ input: child.stdout }).on('line', (line) => said.push(JSON.parse(line) as Said));
      onTestEnd(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      });
      return child;
    };
    const written = async (): Promise<readonly KubeObject[]> =>
      (await api.client.list(configMaps, { namespace: 'default', labelSelector: 'epoch' })).items;
    const of = (objects: readonly KubeObject[], epoch: number): number =>
      objects.filter(({ metadata }) => metadata.labels?.['epoch'] === `${epoch}`).length;

    /** Who deleted a blob, one after the other. */
    const deleted = (): readonly string[] =>
      postgres.sql('records', 'SELECT by_whom FROM deletions ORDER BY n').split('\n').filter(Boolean);
    const by = (name: string): number => deleted().filter((each) => each === name).length;

    const first = start('first');
    await expect.poll(() => said, { timeout: 15_000 }).toContainEqual({ name: 'first', leads: 1 });
    await expect.poll(async () => of(await written(), 1), { timeout: 10_000 }).toBeGreaterThan(3);
    await expect.poll(() => by('first'), { timeout: 10_000 }).toBeGreaterThan(3);
    start('second');
    first.kill('SIGSTOP');
    await expect.poll(() => said, { timeout: 15_000 }).toContainEqual({ name: 'second', leads: 2 });
    await expect.poll(async () => of(await written(), 2), { timeout: 10_000 }).toBeGreaterThan(3);
    await expect.poll(() => by('second'), { timeout: 10_000 }).toBeGreaterThan(3);
    const before = [of(await written(), 1), by('first')];

    const ended = once(first, 'exit');
    first.kill('SIGCONT');
    expect(await ended).toEqual([3, null]);
    await expect
      .poll(() => said.filter(({ name }) => name === 'first').map((each) => Object.keys(each)[1]))
      .toEqual(['leads', 'lost', 'refused']);
    const over = expect.stringContaining('epoch 1 of "controllers" is over');
    expect(said.find(({ refused }) => refused)?.refused).toEqual([over, over]);
    expect([of(await written(), 1), by('first')]).toEqual(before);
    expect(await records.logs.read('s')).toHaveLength(1);
    // In the order of writing, all of the first leader's come before all of the second's.
    const inOrder = (await written()).toSorted((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion));
    const epochs = inOrder.map(({ metadata }) => Number(metadata.labels?.['epoch']));
    expect(epochs).toEqual(epochs.toSorted((a, b) => a - b));
    const deletions = deleted();
    expect(deletions).toEqual(deletions.toSorted());
  });
});

it.skipIf(programs)('needs PostgreSQL, which is not installed here: apt-get install postgresql', ({ skip }) => skip());
