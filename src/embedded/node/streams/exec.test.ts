import { PassThrough, Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiError } from '../../../resources/object.ts';
import type { Pod } from '../../../resources/builtin/pod-types.ts';
import type { TerminalSize } from '../../api/pod-access.ts';
import { openWorld, phaseIs, shell, shimPod } from '../testing/world.ts';
import type { World } from '../testing/world.ts';

const probe = await openWorld('auto');
const hasSandbox = probe.node.isolation.name === 'sandbox';
await probe.close();

async function* never(): AsyncGenerator<TerminalSize> {}

function collector(): { readonly stream: Writable; text(): string } {
  let text = '';
  return {
    stream: new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString();
        done();
      },
    }),
    text: () => text,
  };
}

for (const isolation of ['process', 'required'] as const) {
  describe.skipIf(isolation === 'required' && !hasSandbox)(`exec, isolation ${isolation}`, () => {
    let world: World;
    let pod: Pod;
    beforeAll(async () => {
      world = await openWorld(isolation);
      await world.create('target', shell('while :; do sleep 1; done', { env: [{ name: 'SECRET', value: "it's" }] }));
      pod = await world.when('target', phaseIs('Running'));
    });
    afterAll(() => world.close());

    const exec = async (
      command: readonly string[],
      more: { readonly stdin?: string; readonly pod?: Pod; readonly signal?: AbortSignal } = {},
    ): Promise<{ code: number; out: string; err: string }> => {
      const [stdout, stderr] = [collector(), collector()];
      const stdin = more.stdin === undefined ? {} : { stdin: new PassThrough().end(more.stdin) };
      const target = more.pod ?? pod;
      const container = target.spec.containers[0]?.name as string;
      const code = await world.node.streams.exec(target, {
        container,
        command,
        ...stdin,
        stdout: stdout.stream,
        stderr: stderr.stream,
        tty: false,
        sizes: never(),
        signal: more.signal ?? new AbortController().signal,
      });
      return { code, out: stdout.text(), err: stderr.text() };
    };
    const script = (text: string, more?: Parameters<typeof exec>[1]): ReturnType<typeof exec> => exec(['sh', '-c', text], more);

    it('runs with the variables of the pod, in its folder, and answers the exit code', async () => {
      expect(await script('echo "$SECRET"; cat; echo no >&2; exit 9', { stdin: 'in' })).toEqual({ code: 9, out: "it's\nin", err: 'no\n' });
      expect(await script('[ "$PWD" -ef /proc/self/cwd ] && touch here && [ -e here ]')).toMatchObject({ code: 0 });
      expect(await script('kill -KILL $$')).toMatchObject({ code: 137 });
    });

    it('is not held up by input that nobody reads', async () => {
      expect(await exec(['true'], { stdin: 'x'.repeat(3_000_000) })).toMatchObject({ code: 0 });
    });

    it('runs in pods of built-in images too', async () => {
      await world.create('shim', shimPod());
      const shim = await world.when('shim', phaseIs('Running'));
      expect(await script('echo "[$TSUMUGI_LIFELINE]"', { pod: shim })).toEqual({ code: 0, out: '[]\n', err: '' });
    });

    it('ends what it started when the client goes', async () => {
      const client = new AbortController();
      const running = script('echo $$ > mine; sleep 1000', { signal: client.signal });
      for (;;) if ((await script('[ -s mine ]')).code === 0) break;
      client.abort();
      expect(await running).toMatchObject({ code: 137 });
      // A zombie that nobody has reaped yet does not run either.
      const wait = 'while :; do case $(cut -d" " -f3 "/proc/$(cat mine)/stat" 2>/dev/null) in ""|Z|X) echo gone; exit;; esac; done';
      expect(await script(wait)).toMatchObject({ out: 'gone\n' });
    });

    it('is refused for a container that does not run', async () => {
      await world.create('short', shell('exit 0'));
      const short = await world.when('short', phaseIs('Succeeded'));
      const refusal = await exec(['true'], { pod: short }).catch((error: unknown) => error as ApiError);
      expect(refusal).toBeInstanceOf(ApiError);
      expect((refusal as ApiError).status).toMatchObject({
        code: 500,
        message: 'Internal error occurred: Internal error occurred: unable to upgrade connection: container not found ("main")',
      });
    });

    it('finds the pod again after the node was started anew', async () => {
      await world.restartNode();
      expect(await script('echo "$SECRET"')).toEqual({ code: 0, out: "it's\n", err: '' });
    });

    it.skipIf(isolation === 'process')('has no more rights than the pod', async () => {
      const { out } = await script(
        'id -u; id -G; grep -E "^(Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs)" /proc/self/status; readlink /proc/self/ns/*',
      );
      const log = 'id -u; id -G; grep -E "^(Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs)" /proc/self/status; readlink /proc/self/ns/*';
      await world.create('own', shell(log));
      await world.when('own', phaseIs('Succeeded'));
      const own = (await world.log('own')).split('\n');
      // Another pod: another uid and other namespaces, and else the same.
      const lines = out.split('\n');
      expect(lines.filter((line) => /^(Cap|NoNew)/.test(line))).toEqual(own.filter((line) => /^(Cap|NoNew)/.test(line)));
      expect(lines.filter((line) => line.startsWith('Cap')).every((line) => /\t0+$/.test(line))).toBe(true);
      expect(lines.find((line) => line.startsWith('NoNewPrivs'))).toBe('NoNewPrivs:\t1');
      // A plain user may not read the links of the pod's first process.
      if (process.getuid?.() !== 0) return;
      expect(lines[0]).toMatch(/^20\d{4}$/);
      expect((await script('readlink /proc/1/ns/mnt /proc/1/ns/pid')).out).toBe(
        (await script('readlink /proc/self/ns/mnt /proc/self/ns/pid')).out,
      );
    });

    it.skipIf(isolation === 'process')('does not see the data of the platform, nor the way out by its own folder', async () => {
      const { out } = await script(
        `ls -A ${world.data} ${world.folder} /root 2>/dev/null; ls -d /proc/self/cwd/../../../etc/passwd; ls /proc/self/fd`,
      );
      expect(out).not.toContain('api.db');
      expect((await script(`cat ${world.data}/api.db`)).code).not.toBe(0);
      // No descriptor of the platform came along: 0, 1, 2 and the one of `ls`.
      expect((await script('for fd in /proc/self/fd/*; do readlink $fd; done')).out).not.toMatch(/api|socket:/);
    });

    it.skipIf(isolation === 'process')('is held by the limits of the pod', async () => {
      const joined = async (target: string): Promise<string> => (await script(`cat /proc/${target}/cgroup`)).out;
      expect(await joined('self')).toBe(await joined('1'));
    });
  });
}
