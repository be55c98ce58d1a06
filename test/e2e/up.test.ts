/** `tsumugi up` itself: start, stop, refusals, and starting again on the same data. */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { cleanUp, descendantsOf, eventually, startPlatform, survivors, temporaryFolder, tsumugi } from './platform.ts';

afterAll(cleanUp);

const freePorts = ['--port', '0', '--api-port', '0', '--platform-port', '0', '--metrics-port', '0'];

describe('up DIR', () => {
  test('deploys what is in the folder, says where all is, and is ready', async () => {
    const dir = temporaryFolder();
    writeFileSync(join(dir, 'helloWorld.ts'), 'export default () => process.env.NAME ?? "nobody";');
    mkdirSync(join(dir, 'deep'));
    writeFileSync(join(dir, 'deep', 'index.js'), 'export default () => "deep";');
    writeFileSync(join(dir, '_helper.ts'), 'export const x = 1;');
    writeFileSync(join(dir, 'names.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: names}\ndata: {NAME: Ada}\n');
    const platform = await startPlatform({ dir });
    expect(
      platform.lines
        .filter((line) => line.msg === 'function is ready')
        .map((line) => String(line['name']))
        .toSorted((a, b) => a.localeCompare(b)),
    ).toEqual(['deep', 'hello-world']);
    expect(await (await platform.fetch('/function/hello-world')).text()).toBe('nobody');
    expect(await (await platform.fetch('/function/deep')).text()).toBe('deep');
    expect((await platform.fetch('/readyz')).status).toBe(200);
    expect((await platform.tsumugi('get', 'configmap', 'names', '-o', 'json')).stdout).toContain('"NAME": "Ada"');
    const metrics = await (await fetch(platform.metrics, { headers: { connection: 'close' } })).text();
    expect(metrics).toMatch(/tsumugi_gateway_requests_total\{process="gateway-0",.*\} 1/);
    for (const sample of [
      'activation_duration_seconds_count{PROCESS,code="Ok"} [2-9]',
      'instance_start_duration_seconds_count{PROCESS,code="Ok"} 2',
      'pool_pods{PROCESS,runtime="node",state="serving"} 2',
      'reconciles_total{PROCESS,controller="functions",outcome="done"} [1-9]',
      'reconcile_queue_depth{PROCESS,controller="pools"} \\d',
      'api_requests_total{PROCESS,verb="get",resource="configmaps",code="200"} 1',
      'api_watches{PROCESS,resource="functions.tsumugi.dev"} [1-9]',
      'store_commit_duration_seconds_count{PROCESS,result="ok"} [1-9]',
      'store_rows_written_total{PROCESS} [1-9]',
      'node_pods{PROCESS,phase="Running"} [1-9]',
      'data_file_bytes{PROCESS,file="api.db"} [1-9]',
    ])
      expect(metrics).toMatch(new RegExp(`^tsumugi_${sample.replace('PROCESS', 'process="control-plane"')}`, 'm'));
    for (const name of ['supervisor', 'control-plane', 'gateway-0'])
      expect(metrics).toContain(`process_resident_memory_bytes{process="${name}"} `);
    for (const secret of ['kubeconfig', 'pki/ca.key', 'pki/server.key']) expect(statSync(join(platform.data, secret)).mode & 0o77).toBe(0);
    expect(await platform.stop()).toBe(0);
  });

  test('stays ready when one of its functions turns out to be broken', async () => {
    const dir = temporaryFolder();
    writeFileSync(join(dir, 'good.ts'), 'export default () => "good";');
    writeFileSync(join(dir, 'late.ts'), 'throw new Error("at load"); export default () => 1;');
    const platform = await startPlatform({ dir });
    expect((await platform.fetch('/readyz')).status).toBe(200);
    expect((await platform.fetch('/function/late')).status).toBe(500);
    await eventually('the function is not Ready', async () =>
      /"status": "False"/.test((await platform.tsumugi('get', 'fn', 'late', '-o', 'json')).stdout),
    );
    expect((await platform.fetch('/readyz')).status).toBe(200);
    expect(await platform.stop()).toBe(0);
  });

  test('with a broken file starts, says what is wrong, deploys the others, and is not ready', async () => {
    const dir = temporaryFolder();
    writeFileSync(join(dir, 'good.ts'), 'export default () => "good";');
    writeFileSync(join(dir, 'bad.ts'), 'export default () => {');
    const platform = await startPlatform({ dir });
    expect(platform.lines.find((line) => line.msg === 'function is not ready')).toMatchObject({
      name: 'bad',
      error: expect.stringContaining('bad.ts:1') as string,
    });
    expect(await (await platform.fetch('/function/good')).text()).toBe('good');
    const readiness = await platform.fetch('/readyz');
    expect(readiness.status).toBe(503);
    expect(await readiness.json()).toMatchObject({ waitingFor: ['default/bad'] });
    expect(await platform.stop()).toBe(0);
  });
});

describe('SIGTERM', () => {
  test('finishes what is in flight, leaves no process, and ends with 0', async () => {
    const platform = await startPlatform();
    await platform.deploy('slow', 'export default async () => { await new Promise((r) => setTimeout(r, 1000)); return "finished"; }');
    const all = descendantsOf(platform.pid);
    expect(all.length).toBeGreaterThan(3);
    const inFlight = platform.fetch('/function/slow');
    await eventually('the request is in flight', async () =>
      /requests_in_flight\S* 1/.test(await (await fetch(platform.metrics, { headers: { connection: 'close' } })).text()),
    );
    const stopped = platform.stop();
    expect(await (await inFlight).text()).toBe('finished');
    expect(await stopped).toBe(0);
    expect(survivors(all)).toEqual([]);
  });

  test('twice ends at once', async () => {
    const platform = await startPlatform();
    await platform.deploy('endless', 'export default () => new Promise(() => {});');
    const all = descendantsOf(platform.pid);
    const inFlight = platform.fetch('/function/endless').catch((error: unknown) => error);
    await eventually('the request is in flight', async () =>
      /requests_in_flight\S* 1/.test(await (await fetch(platform.metrics, { headers: { connection: 'close' } })).text()),
    );
    void platform.stop();
    await eventually('it is draining', () => platform.lines.some((line) => line.msg?.startsWith('stopping')));
    await platform.stop();
    expect(await inFlight).toBeInstanceOf(Error);
    await eventually('all are gone', () => survivors(all).length === 0);
  });
});

describe('the same data', () => {
  test('serves one platform at a time', async () => {
    const platform = await startPlatform();
    const second = await tsumugi(['up', '--data', platform.data, ...freePorts]);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(
      `error: another \`tsumugi up\` (pid ${platform.pid}, gateway ${platform.gateway}) runs on ${platform.data}`,
    );
    expect(await platform.stop()).toBe(0);
  });

  test('has everything after a restart', async () => {
    const first = await startPlatform();
    await first.deploy('kept', 'console.log("loaded"); export default () => process.env.PASSWORD;', '--secret', 'PASSWORD=secret');
    expect(await (await first.fetch('/function/kept')).text()).toBe('secret');
    await eventually('its log is there', async () => (await first.tsumugi('logs', 'kept')).stdout.includes('loaded'));
    expect(await first.stop()).toBe(0);
    const second = await startPlatform({ data: first.data });
    expect(await (await second.fetch('/function/kept')).text()).toBe('secret');
    await eventually('the log of both is there', async () => (await second.tsumugi('logs', 'kept')).stdout.match(/loaded/g)?.length === 2);
    expect((await second.tsumugi('get', 'revisions', '-o', 'name')).stdout.trim()).toBe('revision.tsumugi.dev/kept-00001');
    expect(await second.stop()).toBe(0);
  });
});

describe('a taken port', () => {
  test('of the gateway is refused with what to do', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const result = await tsumugi(['up', '--data', join(temporaryFolder(), 'data'), ...freePorts, '--port', String(port)]);
    server.close();
    expect(result).toMatchObject({
      code: 1,
      stderr: `error: port ${port} of 127.0.0.1 is taken, the gateway cannot start\n hint: stop what listens there or choose another with --port\n`,
    });
  });
});

test('an API that leaves loopback is warned of', async () => {
  const platform = await startPlatform({ args: ['--api-host', '0.0.0.0'] });
  expect(platform.lines.find((line) => line['level'] === 'warn' && line.msg?.includes('0.0.0.0'))).toBeDefined();
  expect(platform.api).toMatch(/^https:\/\/127\.0\.0\.1:/);
  expect((await platform.tsumugi('get', 'functions')).code).toBe(0);
  expect(await platform.stop()).toBe(0);
});

test('several gateways share one port', async () => {
  const platform = await startPlatform({ args: ['--gateways', '2'], dir: 'examples/hello' });
  expect(platform.processes().gateways).toHaveLength(2);
  const answers = await Promise.all(Array.from({ length: 20 }, () => platform.fetch('/function/hello')));
  expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]));
  await Promise.all(answers.map((answer) => answer.text()));
  expect(await platform.stop()).toBe(0);
});
