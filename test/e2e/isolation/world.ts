/**
 * A platform in a process of its own, so that the test can run it as another user and kill it: a victim pod with a secret, a spy
 * pod that tries to get at everything, and what the spy found, sent to the parent. Then waits to be told to end.
 */
import { once } from 'node:events';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { podFolder } from '../../../src/embedded/node/paths.ts';
import { openWorld, phaseIs, shell } from '../../../src/embedded/node/testing/world.ts';
import type { Pod } from '../../../src/resources/builtin/pod-types.ts';
import type { KubeObject } from '../../../src/resources/object.ts';
import { secrets } from '../../../src/resources/resources.ts';

export interface Found {
  readonly isolation: { readonly name: string; readonly description: string; readonly warnings: readonly string[] };
  readonly spy: Record<string, unknown>;
  /** What a spy found that `kubectl exec` put into the victim. */
  readonly entered: Record<string, unknown>;
  /** What the spy was told to try, and what the host itself holds there. */
  readonly targets: {
    readonly files: readonly string[];
    readonly folders: readonly string[];
    readonly places: readonly string[];
    readonly sockets: readonly string[];
    readonly pids: readonly number[];
  };
  /** Processes of the victim on the host. */
  readonly victimPids: readonly number[];
  readonly victimUid: string;
  /** Files that the spy wrote, as the host sees them. */
  readonly written: readonly string[];
}

const world = await openWorld('required');
const runFolder = join(world.folder, 'run');
const socket = join(runFolder, 'platform.sock');
const server = createServer((peer) => peer.end('the platform')).listen(socket);
const privateFile = join(homedir(), 'private');
await mkdir(homedir(), { recursive: true });
await writeFile(privateFile, 'of the user');
await writeFile(join(world.data, 'token'), 'the token');

await world.client.create(secrets, {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { namespace: 'default', name: 'victim' },
  stringData: { key: 'the secret' },
} as KubeObject);
await world.create('victim', {
  ...shell('echo "the log"; id -u; echo "the note" >/tmp/note; cp /tmp/note /work/note; sleep 1000', {
    volumeMounts: [{ name: 'secret', mountPath: '/secrets/mine' }],
  }),
  volumes: [{ name: 'secret', secret: { secretName: 'victim' } }],
});
const victim = await world.when('victim', phaseIs('Running'));
while (!(await world.log('victim')).includes('\n')) await new Promise((resolve) => setTimeout(resolve, 10));
const folder = podFolder(runFolder, victim.metadata.uid as string);
while (!(await readdir(join(folder, 'work'))).includes('note')) await new Promise((resolve) => setTimeout(resolve, 10));

const process0 = (await world.host.list()).find(({ id }) => id.startsWith(victim.metadata.uid as string));
// Its last command: what came before has ended.
let victimPids: number[] = [];
while (!(await Promise.all(victimPids.map((pid) => readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')))).includes('sleep\n')) {
  victimPids = [process0?.pid as number, ...(await children(process0?.pid as number))];
}
const targets = {
  files: ['api.db', 'token']
    .map((name) => join(world.data, name))
    .concat(
      ['secrets/mine/key', '0.log', 'work/note', 'tmp/note'].map((name) => join(folder, name)),
      privateFile,
      '/etc/shadow',
      `/proc/${process.pid}/environ`,
    ),
  folders: [world.data, runFolder, folder, homedir(), '/root', '/home', '/run', '/sys'],
  places: [
    '/forbidden',
    '/etc/forbidden',
    '/usr/forbidden',
    '/tsumugi/node',
    '/secrets/forbidden',
    '/dev/forbidden',
    join(import.meta.dirname, 'forbidden'),
  ],
  sockets: [socket],
  pids: [process.pid, process.ppid, ...victimPids],
};
const spyCode = await readFile(join(import.meta.dirname, 'spy.mjs'), 'utf8');
await world.create('spy', {
  containers: [
    {
      name: 'main',
      image: 'host',
      command: ['/tsumugi/node', '--input-type=module', '-e', spyCode],
      env: [{ name: 'TARGETS', value: JSON.stringify(targets) }],
    },
  ],
});
const spy = await world.when('spy', (pod: Pod) => phaseIs('Succeeded')(pod) || phaseIs('Failed')(pod));
const text = await world.log('spy');
let said = '';
await world.node.streams.exec(victim, {
  container: 'main',
  command: ['env', `TARGETS=${JSON.stringify(targets)}`, '/tsumugi/node', '--input-type=module', '-e', spyCode],
  stdout: new Writable({
    write(chunk: Buffer, _encoding, done) {
      said += chunk.toString();
      done();
    },
  }),
  tty: false,
  sizes: (async function* () {})(),
  signal: new AbortController().signal,
});
const written = await readdir('/').then((names) => names.filter((name) => name === 'forbidden'));
const found: Found = {
  isolation: { name: world.node.isolation.name, description: world.node.isolation.description, warnings: world.node.isolation.warnings },
  spy: phaseIs('Succeeded')(spy) ? (JSON.parse(text) as Record<string, unknown>) : { failed: text },
  entered: JSON.parse(said || '{"failed":"it said nothing"}') as Record<string, unknown>,
  targets,
  victimPids,
  victimUid: (await world.log('victim')).split('\n')[1] ?? '',
  written,
};
process.send?.(found);
await once(process, 'message');
server.close();
await world.close();
process.disconnect?.();

async function children(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const own = text.split(' ').filter(Boolean).map(Number);
  return [...own, ...(await Promise.all(own.map(children))).flat()];
}
