/** Warm hello on 64 connections, all peers interleaved; and what a request costs in CPU. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPlatform } from '../lib/platform.ts';
import { cpuSeconds, freePort, startServer } from '../lib/processes.ts';
import { figure, type Row } from '../lib/row.ts';
import { median } from '../lib/stats.ts';
import { wrk } from '../lib/wrk.ts';

const here = new URL('..', import.meta.url).pathname;

interface Contestant {
  readonly url: string;
  pids(): readonly number[];
  readonly perSecond: number[];
  readonly microseconds: number[];
}

export const warm: Row = {
  name: 'warm',
  async run({ rounds, seconds }) {
    const [rawPort, frameworkPort, workerPort] = [await freePort(), await freePort(), await freePort()];
    const temp = mkdtempSync(join(tmpdir(), 'workerd-'));
    writeFileSync(join(temp, 'config.capnp'), workerdConfig(workerPort));
    const raw = await startServer([process.execPath, join(here, 'peers/raw.ts'), String(rawPort)], rawPort);
    const framework = await startServer(
      [
        process.execPath,
        join(here, 'node_modules/@google-cloud/functions-framework/build/src/main.js'),
        '--source',
        join(here, 'peers/framework.mjs'),
        '--target',
        'hello',
        '--port',
        String(frameworkPort),
      ],
      frameworkPort,
    );
    const workerd = await startServer(
      [join(here, 'node_modules/.bin/workerd'), 'serve', join(temp, 'config.capnp'), `--import-path=${join(here, 'peers')}`],
      workerPort,
    );
    const platform = await startPlatform(true);
    try {
      const contestant = (url: string, pids: () => readonly number[]): Contestant => ({ url, pids, perSecond: [], microseconds: [] });
      const ours = contestant(`${platform.gateway}/function/hello`, () => platform.all());
      const plain = contestant(`http://127.0.0.1:${rawPort}/`, () => [raw.pid]);
      const peers = {
        plain,
        ours,
        workerd: contestant(`http://127.0.0.1:${workerPort}/`, () => [workerd.pid]),
        framework: contestant(`http://127.0.0.1:${frameworkPort}/`, () => [framework.pid]),
      };
      for (const { url } of Object.values(peers)) await wrk({ url, connections: 64, seconds: 2 });
      for (let round = 0; round < rounds; round++) {
        for (const one of Object.values(peers)) {
          const pids = one.pids();
          const before = cpuSeconds(pids);
          const result = await wrk({ url: one.url, connections: 64, seconds });
          one.microseconds.push(((cpuSeconds(pids) - before) / result.requests) * 1e6);
          one.perSecond.push(result.perSecond);
        }
      }
      const ratio = (other: Contestant): number => median(ours.perSecond.map((value, i) => value / other.perSecond[i]!));
      const rate = (one: Contestant): string => `${Math.round(median(one.perSecond) / 100) / 10}k/s`;
      const cost = (one: Contestant): string => `${median(one.microseconds).toFixed(1)} us`;
      return [
        figure(
          'warm hello, 64 connections: requests/s to raw node:http',
          ratio(plain),
          'x',
          [0.65, 0.8],
          `${rate(ours)} to ${rate(plain)}`,
        ),
        figure(
          'CPU per request, whole platform, to raw',
          median(ours.microseconds.map((value, i) => value / plain.microseconds[i]!)),
          'x',
          [1.7, 1.45],
          `${cost(ours)} to ${cost(plain)}`,
        ),
        figure('requests/s to workerd', ratio(peers.workerd), 'x', [1.5, 2], `${rate(ours)} to ${rate(peers.workerd)}`),
        figure('requests/s to functions-framework', ratio(peers.framework), 'x', [3, 4], `${rate(ours)} to ${rate(peers.framework)}`),
      ];
    } finally {
      await Promise.all([raw.stop(), framework.stop(), workerd.stop(), platform.stop()]);
      rmSync(temp, { recursive: true });
    }
  },
};

function workerdConfig(port: number): string {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (modules = [(name = "worker", esModule = embed "/worker.mjs")], compatibilityDate = "2026-01-01"))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);
`;
}
