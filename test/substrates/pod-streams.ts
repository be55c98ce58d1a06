/** What kubectl does inside running pods: the same commands and the same words on one machine and on a whole Kubernetes. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '../e2e/kubectl.ts';
import { eventually } from '../e2e/platform.ts';
import type { PodsSubstrate } from './pods-world.ts';

/** Listens on the port that it is told. `give N` is answered with N bytes, `take N` and N bytes after it with their number. */
const server = `
require('net').createServer((socket) => {
  let head = '', left = 0;
  socket.on('error', () => {});
  socket.on('data', (data) => {
    if (head === '') {
      const end = data.indexOf(10);
      head = data.subarray(0, end).toString();
      left = Number(head.slice(5));
      data = data.subarray(end + 1);
      if (head.startsWith('give')) return socket.end(Buffer.alloc(left));
    }
    left -= data.length;
    if (left === 0) socket.end(head.slice(5));
  });
}).listen(Number(process.argv[1]), () => console.log('listening'));`;
/** Where there is one: in our sandbox, here, in an image. */
const node = `for node in /tsumugi/node ${process.execPath} /usr/local/bin/node; do [ -x $node ] && break; done; exec $node`;

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, 'close');
  return port;
}

/** Sends, and answers how many bytes came back until the other side ended, and the first of them. */
async function ask(port: number, ...words: readonly (string | Buffer)[]): Promise<{ readonly size: number; readonly text: string }> {
  const socket = connect({ port, host: '127.0.0.1' });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  for (const word of words) socket.write(word);
  await once(socket, 'close');
  const all = Buffer.concat(chunks);
  return { size: all.length, text: all.subarray(0, 40).toString() };
}

/** Without what is different each time. */
const plain = (text: string): string => text.replaceAll(/[0-9a-f]{64}/g, 'ID');

const shown = ({ code, stdout, stderr }: Result): object => ({ code, stdout: plain(stdout), stderr: plain(stderr) });
const refused = (why: string): object => ({
  code: 1,
  stdout: '',
  stderr: `error: Internal error occurred: Internal error occurred: error executing command in container: failed to exec in container: failed to start exec "ID": OCI runtime exec failed: exec failed: unable to start container process: ${why}: unknown\n`,
});

export function podStreamsSuite(where: string, open: () => Promise<PodsSubstrate>): void {
  describe(`streams of pods on ${where}`, { timeout: 120_000 }, () => {
    let world: PodsSubstrate;
    let folder: string;
    let podPort: number;
    const namespace = `streams-${process.pid}`;
    const run = async (args: readonly string[], input?: string | Buffer): Promise<object> =>
      shown(await world.kubectl.run(['-n', namespace, ...args], input));
    const said = (stdout: string, more: Partial<Result> = {}): object => ({ code: 0, stdout, stderr: '', ...more });

    beforeAll(async () => {
      world = await open();
      folder = mkdtempSync(join(tmpdir(), 'tsumugi-streams-'));
      const { kubectl, image } = world;
      await kubectl.ok(['create', 'namespace', namespace]);
      const container = (name: string, script: string, more: object = {}): object => ({
        name,
        image,
        command: ['sh', '-c', script],
        ...more,
      });
      const pod = (name: string, ...containers: object[]): object => ({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace, labels: { app: name.slice(0, 1) } },
        spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, automountServiceAccountToken: false, containers },
      });
      podPort = await freePort();
      const idle = 'while :; do sleep 1; done';
      const items = [
        pod('tools', container('main', idle, { env: [{ name: 'GREETING', value: "it's me" }], workingDir: '/tmp' })),
        pod('two', container('first', idle), container('second', idle)),
        pod('web', container('main', `${node} -e '${server.replaceAll("'", '"')}' ${podPort}`)),
        pod('shell', { name: 'main', image, command: ['sh'], stdin: true, tty: true }),
        pod('ticker', container('main', 'while :; do echo tick; echo tock >&2; sleep 0.2; done')),
        pod('talk', container('main', `for i in 1 2 3 4 5; do echo line $i; done; ${idle}`)),
        pod('duo', container('first', `echo one; ${idle}`), container('second', `echo two; ${idle}`)),
        {
          ...pod('again'),
          spec: {
            restartPolicy: 'OnFailure',
            terminationGracePeriodSeconds: 0,
            automountServiceAccountToken: false,
            containers: [
              container('main', `if [ -e /data/x ]; then echo second; ${idle}; else echo first; touch /data/x; exit 1; fi`, {
                volumeMounts: [{ name: 'data', mountPath: '/data' }],
              }),
            ],
            volumes: [{ name: 'data', emptyDir: {} }],
          },
        },
        pod('ended', container('main', 'printf unfinished')),
      ];
      await kubectl.ok(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
      await kubectl.ok([
        '-n',
        namespace,
        'wait',
        '--for=condition=Ready',
        'pod/tools',
        'pod/two',
        'pod/web',
        'pod/shell',
        'pod/ticker',
        '--timeout=60s',
      ]);
      await kubectl.ok(['-n', namespace, 'wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/ended', '--timeout=60s']);
    }, 180_000);
    afterAll(async () => {
      await world?.kubectl.run(['delete', 'namespace', namespace, '--timeout=60s']);
      if (folder) rmSync(folder, { recursive: true });
      await world?.close();
    });

    describe('exec', () => {
      it('passes on stdout, stderr and the exit code', async () => {
        expect(await run(['exec', 'tools', '--', 'sh', '-c', 'echo out; echo err >&2'])).toEqual(said('out\n', { stderr: 'err\n' }));
        for (const code of [1, 3, 126, 127, 255])
          expect(await run(['exec', 'tools', '--', 'sh', '-c', `exit ${code}`])).toEqual({
            code,
            stdout: '',
            stderr: `command terminated with exit code ${code}\n`,
          });
        expect(await run(['exec', 'tools', '--', 'sh', '-c', 'kill -TERM $$'])).toMatchObject({ code: 143 });
      });

      it('passes on stdin, whatever its bytes, and its end', async () => {
        expect(await run(['exec', '-i', 'tools', '--', 'cat'], 'hello\n')).toEqual(said('hello\n'));
        expect(await run(['exec', '-i', 'tools', '--', 'cat'], '')).toEqual(said(''));
        const bytes = randomBytes(3_000_000);
        expect(await run(['exec', '-i', 'tools', '--', 'wc', '-c'], bytes)).toEqual(said('3000000\n'));
      });

      it('has the variables and the folder of the container, and can open its outputs again', async () => {
        const script = 'echo "$GREETING"; pwd; echo again > /dev/stdout; echo more > /dev/stderr; cat /dev/stdin';
        expect(await run(['exec', '-i', 'tools', '--', 'sh', '-c', script], 'in')).toEqual(
          said("it's me\n/tmp\nagain\nin", { stderr: 'more\n' }),
        );
        expect(await run(['exec', 'tools', '--', 'printf', '%s|', 'a b', "'", '$HOME', '', '"'])).toEqual(said('a b|\'|$HOME||"|'));
      });

      it('says what it cannot start, in the words of the container runtimes', async () => {
        expect(await run(['exec', 'tools', '--', 'nosuch', 'x'])).toEqual(refused('exec: "nosuch": executable file not found in $PATH'));
        expect(await run(['exec', 'tools', '--', '/nosuch'])).toEqual(refused('exec: "/nosuch": stat /nosuch: no such file or directory'));
        expect(await run(['exec', 'tools', '--', '/etc/passwd'])).toEqual(refused('exec: "/etc/passwd": permission denied'));
        expect(await run(['exec', 'tools', '--', '/tmp'])).toEqual(refused('exec: "/tmp": permission denied'));
      });

      it('chooses the container', async () => {
        expect(await run(['exec', 'two', '--', 'echo', 'x'])).toEqual(
          said('x\n', { stderr: 'Defaulted container "first" out of: first, second\n' }),
        );
        expect(await run(['exec', 'two', '-c', 'second', '--', 'echo', 'y'])).toEqual(said('y\n'));
        expect(await run(['exec', 'two', '-c', 'third', '--', 'true'])).toMatchObject({ code: 1 });
        expect(await run(['exec', 'nopod', '--', 'true'])).toEqual({
          code: 1,
          stdout: '',
          stderr: 'Error from server (NotFound): pods "nopod" not found\n',
        });
        expect(await run(['exec', 'ended', '--', 'true'])).toEqual({
          code: 1,
          stdout: '',
          stderr: 'error: cannot exec into a container in a completed pod; current phase is Succeeded\n',
        });
      });

      it('gives a terminal of the size that the client has, and follows it', async () => {
        const terminal = await world.kubectl.terminal(['-n', namespace, 'exec', '-it', 'tools', '--', 'sh'], { rows: 33, columns: 99 });
        try {
          // A kubelet tells the size a moment after the start.
          await terminal.says('until stty size | grep 99; do sleep 0.1; done\n', '33 99');
          await terminal.says('tty\n', /\/dev\/pts\/\d/);
          await terminal.says('echo $((6 * 7)) $TERM\n', '42 xterm');
          await terminal.resize({ rows: 44, columns: 111 });
          await terminal.says('until stty size | grep 111; do sleep 0.1; done\n', '44 111');
          await terminal.says(`sh -c 'trap "echo inter""rupted" INT; echo wait""ing; sleep 60'\n`, 'waiting');
          await terminal.says('\u0003', 'interrupted');
          terminal.write('exit 5\n');
          expect(await terminal.ended).toBe(5);
        } finally {
          await terminal.close();
        }
      });
    });

    describe('attach', () => {
      it('shows what the program says from now on', async () => {
        const attached = world.kubectl.follow(['-n', namespace, 'attach', 'ticker']);
        try {
          await eventually('it ticks and tocks', () => ['tick', 'tock'].every((line) => attached.lines().includes(line)), 30);
          expect(attached.lines()[0]).toMatch(/^All commands|^If you|^t[io]ck$/);
        } finally {
          await attached.stop();
        }
      });

      it('brings stdin to the program, to its end, and kubectl tells how that ended', async () => {
        const script = 'read x; echo "got $x"; cat; echo bye >&2; exit 3';
        const args = ['run', 'once', '-i', '--rm', `--image=${world.image}`, '--restart=Never', '--command', '--', 'sh', '-c', script];
        const { code, stdout, stderr } = await world.kubectl.run(['-n', namespace, ...args], 'one\ntwo\nthree');
        expect(code).toBe(3);
        // Kubectl names the namespace since 1.33.
        expect(stdout.replace(` from ${namespace} namespace`, '')).toBe('got one\ntwo\nthreepod "once" deleted\n');
        expect(stderr).toMatch(/(^|\n)bye\n/);
        expect(stderr).toContain(`pod ${namespace}/once terminated (Error)\n`);
      });

      it('gives the terminal of the program, with its size', async () => {
        const terminal = await world.kubectl.terminal(['-n', namespace, 'attach', '-it', 'shell'], { rows: 33, columns: 99 });
        try {
          await terminal.says('until stty size | grep 99; do sleep 0.1; done\n', '33 99');
          await terminal.says('tty\n', '/dev/pts/0');
          await terminal.resize({ rows: 44, columns: 111 });
          await terminal.says('until stty size | grep 111; do sleep 0.1; done\n', '44 111');
          terminal.write('exit 5\n');
          expect(await terminal.ended).toBe(0);
        } finally {
          await terminal.close();
        }
        const code = '{.status.containerStatuses[0].state.terminated.exitCode}';
        expect(await run(['wait', `--for=jsonpath=${code}=5`, 'pod/shell', '--timeout=30s'])).toMatchObject({ code: 0 });
      });

      it('is refused for a pod that has ended', async () => {
        expect(await run(['attach', 'ended'])).toEqual({
          code: 1,
          stdout: '',
          stderr: 'error: cannot attach a container in a completed pod; current phase is Succeeded\n',
        });
      });
    });

    describe('logs', () => {
      const logs = (...args: string[]): Promise<object> => run(['logs', ...args]);
      const lines = (from: number): string =>
        [1, 2, 3, 4, 5]
          .slice(from - 1)
          .map((at) => `line ${at}\n`)
          .join('');
      const wrong = (stderr: string): object => ({ code: 1, stdout: '', stderr: `${stderr}\n` });
      const raw = (query: string): Promise<object> => run(['get', '--raw', `/api/v1/namespaces/${namespace}/pods/talk/log?${query}`]);

      beforeAll(async () => {
        const log = (name: string): Promise<string> => world.kubectl.ok(['-n', namespace, 'logs', name, '--all-containers']);
        await eventually('all is said', async () => (await log('talk')) === lines(1) && (await log('duo')).split('\n').length === 3, 30);
        await eventually('it has started again', async () => (await log('again')) === 'second\n', 60);
      }, 120_000);

      it('shows all, the last lines, so many bytes, since a time', async () => {
        expect(await logs('talk')).toEqual(said(lines(1)));
        expect(await logs('talk', '--tail=2')).toEqual(said(lines(4)));
        expect(await logs('talk', '--tail=0')).toEqual(said(''));
        expect(await logs('talk', '--tail=-1')).toEqual(said(lines(1)));
        expect(await logs('talk', '--limit-bytes=9')).toEqual(said('line 1\nli'));
        expect(await logs('talk', '--limit-bytes=9', '--tail=1')).toEqual(said(lines(5)));
        expect(await logs('talk', '--since=1h')).toEqual(said(lines(1)));
        expect(await logs('talk', '--since-time=2020-01-01T00:00:00+02:00')).toEqual(said(lines(1)));
        expect(await logs('talk', '--since-time=2090-01-01T00:00:00Z')).toEqual(said(''));
        expect(await logs('talk', '--timestamps', '--tail=1')).toMatchObject({
          stdout: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z line 5\n$/) as string,
        });
        expect(await logs('ended')).toEqual(said('unfinished'));
        expect(await logs('talk', '--insecure-skip-tls-verify-backend', '--tail=1')).toEqual(said(lines(5)));
      });

      it('follows', async () => {
        const following = world.kubectl.follow(['-n', namespace, 'logs', '-f', 'ticker', '--tail=1']);
        try {
          await eventually('it ticks on', () => following.lines().length > 5, 30);
          expect(new Set(following.lines())).toEqual(new Set(['tick', 'tock']));
        } finally {
          await following.stop();
        }
      });

      it('chooses containers and pods', async () => {
        expect(await logs('duo')).toEqual(said('one\n', { stderr: 'Defaulted container "first" out of: first, second\n' }));
        expect(await logs('duo', '-c', 'second')).toEqual(said('two\n'));
        // In any order: kubectl keeps the containers in a Go map.
        const both = await world.kubectl.ok(['-n', namespace, 'logs', 'duo', '--all-containers', '--prefix', '--tail=1']);
        expect(both.split('\n').sort()).toEqual(['', '[pod/duo/first] one', '[pod/duo/second] two']);
        expect(await logs('-l', 'app=d', '-c', 'first', '--prefix')).toEqual(said('[pod/duo/first] one\n'));
        expect(await logs('-l', 'app=none')).toEqual(said('', { stderr: `No resources found in ${namespace} namespace.\n` }));
        const none = await world.kubectl.run(['-n', namespace, 'logs', 'duo', '-c', 'none']);
        // Kubectl names those that there are since 1.33.
        expect(none.stderr.replace(' out of: first, second', '')).toBe('error: container none is not valid for pod duo\n');
        expect(await logs('none')).toEqual(wrong(`error: error from server (NotFound): pods "none" not found in namespace "${namespace}"`));
      });

      it('shows what the run before the last restart said', async () => {
        expect(await logs('again')).toEqual(said('second\n'));
        expect(await logs('again', '--previous')).toEqual(said('first\n'));
        expect(await logs('talk', '--previous')).toEqual(
          wrong('Error from server (BadRequest): previous terminated container "main" in pod "talk" not found'),
        );
      });

      it('says which option is wrong', async () => {
        const options = (why: string): object => wrong(`The PodLogOptions "talk" is invalid: ${why}`);
        expect(await logs('talk', '--since=1ns')).toEqual(options('sinceSeconds: Invalid value: 0: must be greater than 0'));
        expect(await raw('tailLines=-1')).toEqual(options('tailLines: Invalid value: -1: must be greater than or equal to 0'));
        expect(await raw('limitBytes=0')).toEqual(options('limitBytes: Invalid value: 0: must be greater than 0'));
        expect(await raw('limitBytes=-1&sinceSeconds=-2')).toEqual(
          options('\n* limitBytes: Invalid value: -1: must be greater than 0\n* sinceSeconds: Invalid value: -2: must be greater than 0'),
        );
        expect(await raw('sinceTime=2020-01-01T00:00:00Z&sinceSeconds=5')).toEqual(
          options('[]: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified'),
        );
        expect(await raw('stream=Stdout')).toEqual(options('stream: Forbidden: may not be specified'));
        const request = (why: string): object => wrong(`Error from server (BadRequest): ${why}`);
        expect(await raw('tailLines=x')).toEqual(request('strconv.ParseInt: parsing "x": invalid syntax'));
        for (const [time, rest, part] of [
          ['x', 'x', '2006'],
          ['2020-1-01', '1-01', '01'],
          ['2020-01-01', '', 'T'],
          ['2020-01-01T00:00:00', '', 'Z07:00'],
        ])
          expect(await raw(`sinceTime=${time}`)).toEqual(
            request(`parsing time "${time}" as "2006-01-02T15:04:05Z07:00": cannot parse "${rest}" as "${part}"`),
          );
        expect(await raw('container=none')).toEqual(request('container none is not valid for pod talk'));
      });
    });

    describe('port-forward', () => {
      it('carries connections to a port of the pod, many at once', async () => {
        // A connection that is refused would end kubectl.
        const log = (): Promise<string> => world.kubectl.ok(['-n', namespace, 'logs', 'web']);
        await eventually('the program listens', async () => (await log()).includes('listening'), 30);
        const forward = world.kubectl.follow(['-n', namespace, 'port-forward', 'pod/web', `:${podPort}`]);
        try {
          let port = 0;
          const opened = /^Forwarding from 127\.0\.0\.1:(\d+) -> /m;
          await eventually('the port is there', () => (port = Number(opened.exec(forward.lines().join('\n'))?.[1] ?? 0)) > 0, 30);
          expect(await ask(port, 'take 1\n', 'x')).toEqual({ size: 1, text: '1' });
          expect(await ask(port, 'give 5000000\n')).toMatchObject({ size: 5_000_000 });
          expect(await ask(port, 'take 5000000\n', Buffer.alloc(5_000_000, 'a'))).toEqual({ size: 7, text: '5000000' });
          const sizes = Array.from({ length: 20 }, (_, at) => at * 1000 + 1);
          const answers = await Promise.all(sizes.map((size) => ask(port, `take ${size}\n`, Buffer.alloc(size, 'b'))));
          expect(answers.map(({ text }) => Number(text))).toEqual(sizes);
        } finally {
          await forward.stop();
        }
      });

      it('says that nothing listens on a port, and ends as kubectl does', async () => {
        const closed = await freePort();
        const forward = world.kubectl.follow(['-n', namespace, 'port-forward', 'pod/web', `:${closed}`]);
        try {
          let port = 0;
          const opened = /^Forwarding from 127\.0\.0\.1:(\d+) -> /m;
          await eventually('the port is there', () => (port = Number(opened.exec(forward.lines().join('\n'))?.[1] ?? 0)) > 0, 30);
          expect(await ask(port, 'x')).toMatchObject({ size: 0 });
          const said = (): string => forward.lines().join('\n');
          await eventually('kubectl says why', () => said().includes('lost connection to pod'), 30);
          expect(said()).toMatch(
            new RegExp(
              `an error occurred forwarding ${port} -> ${closed}: error forwarding port ${closed} to pod .*, uid : .*failed to connect to localhost:${closed} inside .*connection refused`,
            ),
          );
        } finally {
          await forward.stop();
        }
      });

      it('is refused for a pod that does not run', async () => {
        expect(await run(['port-forward', 'pod/ended', ':80'])).toEqual({
          code: 1,
          stdout: '',
          stderr: 'error: unable to forward port because pod is not running. Current status=Succeeded\n',
        });
      });
    });

    describe('cp', () => {
      it('copies files and folders both ways', async () => {
        const bytes = randomBytes(2_000_000);
        mkdirSync(join(folder, 'from/deep'), { recursive: true });
        writeFileSync(join(folder, 'from/one'), bytes);
        writeFileSync(join(folder, 'from/deep/two'), 'two');
        await world.kubectl.ok(['-n', namespace, 'cp', join(folder, 'from'), 'tools:/tmp/copied']);
        expect(await run(['exec', 'tools', '--', 'cat', '/tmp/copied/deep/two'])).toEqual(said('two'));
        await world.kubectl.ok(['-n', namespace, 'cp', 'tools:/tmp/copied', join(folder, 'back')]);
        expect(readFileSync(join(folder, 'back/one')).equals(bytes)).toBe(true);
        expect(readFileSync(join(folder, 'back/deep/two'), 'utf8')).toBe('two');
      });
    });
  });
}
