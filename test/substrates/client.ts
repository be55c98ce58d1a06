/** Programs that use the platform, whatever carries it: in functions, in pods, and beside it. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../e2e/platform.ts';
import { type Substrate, World } from './substrate.ts';

export function clientSuite(name: string, start: () => Promise<Substrate>): void {
  describe(`tsumugi/client on ${name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = new World(await start());
    }, 600_000);
    afterAll(() => world?.stop(), 120_000);

    /** What a function wrote, without the ids before its lines. */
    const log = async (name: string): Promise<string[]> =>
      (await world.ok('logs', name)).split('\n').map((line) => line.replace(/^\S+ \[[^\]]*\] |^\[[^\]]*\] /, ''));

    describe('avator, a runner that its user made', () => {
      const permissions = ['--permission', 'jobs', '--permission', 'configmaps'];
      const avator = (job: string, script: string): Promise<string> =>
        world.ok('call', 'avator', JSON.stringify(job), JSON.stringify(script));

      beforeAll(() => world.deploy('avator', readFileSync('examples/avator/avator.ts', 'utf8'), ...permissions), 60_000);

      test('tells what happens to its Job, and leaves nothing of one that succeeded', async () => {
        expect(await avator('test', 'const answer: number = await Promise.resolve(42); console.log(answer);')).toBe('"succeeded"\n');
        const said = await log('avator');
        const story = said.filter((line) => /^(ConfigMap|Job):/.test(line));
        expect(story[0]).toBe('ConfigMap:test-configmap created');
        // As often as its status changed.
        expect(story.slice(1, -3).every((line) => line === 'Job:test')).toBe(true);
        expect(story.slice(-3)).toEqual(['Job:test Done.', 'Job:test deleted', 'ConfigMap:test-configmap deleted']);
        const text = said.join('\n');
        expect(text).toMatch(/"succeeded": 1,/);
        expect(text).toMatch(/"type": "Complete"/);
        expect((await world.run('get', 'configmap', 'test-configmap')).stderr).toContain('"test-configmap" does not exist');
        await eventually('the Job and its pod are gone', async () => {
          const left = await world.ok('get', 'jobs,pods', '-l', 'batch.kubernetes.io/job-name=test', '-o', 'name');
          return left === '' && !(await world.ok('get', 'jobs', '-o', 'name')).includes('/test\n');
        });
      });

      test('leaves what failed, with its log', async () => {
        expect(await avator('broken', 'console.log("so far"); throw new Error("not further");')).toBe('"failed"\n');
        expect((await log('avator')).slice(-3)).toEqual(['Job:broken Done.', 'Job execution error occurred', '']);
        expect(await world.ok('get', 'job', 'broken', '-o', 'name')).toBe('job.batch/broken\n');
        expect(await world.ok('get', 'configmap', 'broken-configmap', '-o', 'name')).toBe('configmap/broken-configmap\n');
        const { kubectl, namespace } = world.substrate;
        if (kubectl)
          expect(await kubectl.ok(['logs', '-n', namespace, 'job/broken'])).toMatch(/^so far\nError: not further\n +at .*broken:1/);
        await world.ok('delete', 'job', 'broken');
        await world.ok('delete', 'configmap', 'broken-configmap');
      });

      test('may do no more than it declares', async () => {
        await world.deploy(
          'curious',
          `import { Kube } from 'tsumugi/client';
          export const curious = async () => (await (await Kube.load()).namespace().listSecrets()).length;`,
          '--permission',
          'jobs',
        );
        const { code, stderr } = await world.run('call', 'curious');
        expect(code).toBe(1);
        expect(stderr).toContain('secrets is forbidden');
        await world.deploy('nobody', `import { Kube } from 'tsumugi/client'; export const nobody = () => Kube.load();`);
        expect((await world.run('call', 'nobody')).stderr).toContain('has no identity at the platform');
      });
    });

    test('a script runs in a pod of its own, with its output and its exit code', async () => {
      const script = world.file(
        'script.ts',
        'const code: number = 3;\nconsole.log(`${process.argv[2]} in ${process.env.HOSTNAME}`);\nprocess.exitCode = code;',
      );
      const { code, stdout } = await world.run('run', script, '--in-pod', '--', 'hello');
      expect({ code, stdout }).toEqual({ code: 3, stdout: expect.stringMatching(/^hello in script-\w+-\w+\n$/) });
    });

    test('pinger: manifests of its own run as a guest, which calls back through the gateway', async () => {
      for (const [name, ...flags] of [
        ['upload', '--permission', 'store', '--visibility', 'private'],
        ['download', '--permission', 'store', '--visibility', 'private'],
        ['pinger', '--permission', 'runners'],
      ] as const)
        await world.deploy(name, readFileSync(`examples/pinger/${name}.ts`, 'utf8'), ...flags);
      expect(await world.ok('call', 'pinger', 'null', '3')).toBe('"succeeded"\n');
      const said = (await log('pinger')).join('\n');
      const ping =
        'PING \\S+:\\d+\\n(connected to \\S+: seq=\\d time=[\\d.]+ ms\\n){3}--- \\S+ ping statistics ---\\n3 connections tried, 3 made\\n';
      expect(said).toMatch(/^guest-runner-[0-9a-f]{32}\nsucceeded\n\{\n +"pinger-\w+\.pinger": \[/);
      expect(said).toMatch(/"200 \{\\"filepath\\":\\"files\/pinger\.log\\"/);
      expect(said).toMatch(new RegExp(`Pinger Done\\.\\n${ping}`));
      await eventually(
        'nothing of it is left',
        async () => !(await world.ok('get', 'jobs,configmaps,secrets', '-o', 'name')).includes('/pinger\n'),
      );
      expect((await world.fetch('upload', '/pinger.log', { method: 'PUT', body: 'x' })).status).toBe(401);
    });
  });
}
