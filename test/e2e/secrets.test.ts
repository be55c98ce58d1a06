/** What is secret stays where it belongs: everything that a platform writes, stores or answers is searched for it. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, test } from 'vitest';
import { cleanUp, eventually, startPlatform, type TestPlatform } from './platform.ts';

afterAll(cleanUp);

/** Each in the forms in which it could be written down. */
const values = ['mellon-7f3a9c', 'sesame-51d0e8', 'xyzzy-c4b2a1'] as const;
const forms = new RegExp(values.flatMap((value) => [value, Buffer.from(value).toString('base64').replace(/=+$/, '')]).join('|'));

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
}

/** The stream that gateways follow, up to its present end. */
function projection(platform: TestPlatform): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { socketPath: join(platform.data, 'run', 'platform.sock'), path: '/v1/projection', agent: false },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => {
          text += part;
          if (text.includes('"synced"')) outgoing.destroy();
        });
        answer.on('close', () => resolve(text));
      },
    );
    outgoing.on('error', reject).end();
  });
}

test('the value of a Secret is in no log, error, event, description, package, database but the Secret’s own row', async () => {
  const platform = await startPlatform();
  const run = async (...args: string[]): Promise<string> => {
    const { stdout, stderr } = await platform.tsumugi(...args);
    return stdout + stderr;
  };
  const source = `
    console.log('loaded', Object.keys(process.env).length);
    export default () => { throw new Error(process.env.ONE === undefined ? 'missing' : 'as it should'); };`;
  const told: string[] = [];
  const tell = async (...args: string[]): Promise<void> => void told.push(await run(...args));

  await tell('deploy', file(platform, 'keeps', source), '--secret', `ONE=${values[0]}`);
  await platform.fetch('/function/keeps').then(async (answer) => told.push(await answer.text()));
  // Changed while it runs: a revision more, with a digest.
  await tell('deploy', file(platform, 'keeps', source), '--secret', `ONE=${values[1]}`, '--secret', `TWO=${values[2]}`);
  await platform.fetch('/function/keeps').then(async (answer) => told.push(await answer.text()));
  // Errors at all stages: a key that is missing, a module that throws, a value that the API refuses.
  await tell('deploy', file(platform, 'fails', 'throw new Error("at load"); export default 1;'), '--secret', `ONE=${values[0]}`);
  await tell('fn', 'create', 'lacks', '--code', file(platform, 'lacks', source), '--secret', 'absent', '--wait-timeout', '2s');
  await tell('fn', 'create', 'Not A Name', '--code', file(platform, 'x', source), '--secret', `ONE=${values[0]}`);
  await eventually('the log has what the handler said', async () => /as it should/.test(await run('logs', 'keeps')));

  const pod = (await run('get', 'pods', '-l', 'tsumugi.dev/function=keeps', '-o', 'name')).trim().split('\n')[0]?.split('/')[1] ?? '';
  expect(pod).not.toBe('');
  const kinds = ['functions', 'revisions', 'pods', 'events', 'routes', 'runtimes', 'configmaps'];
  await Promise.all([
    ...kinds.map((kind) => tell('get', kind, '-A', '-o', 'yaml')),
    ...['keeps', 'fails', 'lacks'].flatMap((name) => [tell('describe', 'fn', name), tell('logs', name)]),
    tell('describe', 'secret', 'keeps-env'),
    tell('describe', 'revision', 'keeps-00001'),
    tell('describe', 'pod', pod),
  ]);
  const seen = await projection(platform);
  expect(seen).toContain('"name":"keeps"');
  told.push(seen, await (await fetch(platform.metrics, { headers: { connection: 'close' } })).text());
  told.push(JSON.stringify(platform.lines), platform.stderr());
  for (const text of told) expect(text).not.toMatch(forms);
  expect(told.join('')).toContain('as it should');

  // While it runs the pod has it, in a folder that is its own; of what is kept, nothing else has.
  expect(await platform.stop()).toBe(0);
  const kept = filesBelow(platform.data);
  expect(kept.some((path) => path.includes('blobs'))).toBe(true);
  const holding = kept.filter((path) => forms.test(readFileSync(path, 'latin1')));
  expect(holding.filter((path) => !/api\.db(-wal|-shm)?$/.test(path))).toEqual([]);
  const database = new DatabaseSync(join(platform.data, 'api.db'), { readOnly: true });
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[];
  const rows = tables.flatMap(({ name }) =>
    database
      .prepare(`SELECT * FROM "${name}"`)
      .all()
      .map((row) => Object.values(row).join(' ')),
  );
  database.close();
  const revealing = rows.filter((row) => forms.test(row));
  expect(revealing.length).toBeGreaterThan(0);
  for (const row of revealing) expect(row).toContain('"kind":"Secret"');
}, 90_000);

describe('with a sandbox', () => {
  test('the folders are at /secrets and /configs, of this pod alone', async () => {
    const platform = await startPlatform({ args: ['--isolation', 'required'] });
    const source = `import { existsSync, readdirSync, readFileSync } from 'node:fs';
      const file = '/secrets/reads-env/KEY';
      export default () => [process.env.TSUMUGI_SECRETS, process.env.TSUMUGI_CONFIGS, existsSync(file) ? readFileSync(file, 'utf8') : readdirSync('/secrets')];`;
    await platform.deploy('reads', source, '--secret', `KEY=${values[0]}`);
    await platform.deploy('spies', source);
    const answer = async (name: string): Promise<unknown> => (await platform.fetch(`/function/${name}`)).json();
    expect(await answer('reads')).toEqual(['/secrets', '/configs', values[0]]);
    expect(await answer('spies')).toEqual(['/secrets', '/configs', []]);
  });
});

describe('without a sandbox', () => {
  test('the folders are where the variables say, and the platform says so at its start', async () => {
    const platform = await startPlatform({ args: ['--isolation', 'process'] });
    expect(JSON.stringify(platform.lines)).toContain('$TSUMUGI_SECRETS');
    const source = `import { readFileSync, statSync } from 'node:fs';
      const path = process.env.TSUMUGI_SECRETS + '/reads-env/KEY';
      export default () => [readFileSync(path, 'utf8'), (statSync(path).mode & 0o777).toString(8), path.startsWith('/secrets/')];`;
    await platform.deploy('reads', source, '--secret', `KEY=${values[0]}`);
    expect(await (await platform.fetch('/function/reads')).json()).toEqual([values[0], '400', false]);
  });
});

/** A source file beside the data folder. */
function file(platform: TestPlatform, name: string, source: string): string {
  const path = join(platform.data, '..', `${name}.ts`);
  writeFileSync(path, source);
  return path;
}
