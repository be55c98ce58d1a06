import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { serveEndpoints } from '../api/endpoints.ts';
import { silentLog } from '../base/log.ts';
import { type EventQuery, type LoggedEvent, readEvents } from '../client/events.ts';
import { send } from '../client/http.ts';
import { lines } from '../kube/http/lines.ts';
import type { RunStore } from '../records/runs.ts';
import { openSqliteRuns } from '../records/sqlite/runs.ts';
import { Bell } from './bell.ts';
import { eventsEndpoint } from './events-endpoint.ts';

let folder: string;
let runs: RunStore;
let server: Server;
let port: number;
const bell = new Bell();
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-events-'));
  runs = openSqliteRuns(join(folder, 'records.db'));
  const at = { kind: 'runner', place: 'pods', job: 'f', spec: {}, createdAt: 1 } as const;
  await runs.insert(['default', 'other'].map((namespace) => ({ ...at, uid: namespace, name: 'r', namespace })));
  port = await listen(0);
});
afterEach(async () => {
  await close();
  await runs.close();
  rmSync(folder, { recursive: true });
});

async function listen(wanted: number): Promise<number> {
  server = createServer(serveEndpoints([eventsEndpoint({ runs, bell })], silentLog, new AbortController().signal));
  await new Promise<void>((resolve) => server.listen(wanted, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function close(): Promise<unknown> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  return closed;
}

async function tell(type: string, namespace = 'default'): Promise<void> {
  await runs.commit([{ uid: namespace, events: [{ type: `dev.tsumugi.${type}`, data: { n: 1 } }] }]);
  bell.ring('progress');
}

const platform = {
  async *platformLines(path: string, options?: object) {
    const answer = await send({ url: `http://127.0.0.1:${port}` }, path, options);
    if (answer.statusCode !== 200) throw new Error(String(answer.statusCode));
    yield* lines(answer);
  },
};
async function told(query: EventQuery): Promise<readonly string[]> {
  const types: string[] = [];
  for await (const { event } of readEvents(platform, query)) types.push(event.type.replace('dev.tsumugi.', ''));
  return types;
}

test('all that was logged, of a namespace, of some types, after one that is known, since a time', async () => {
  for (const type of ['runner.running', 'runner.failed', 'execution.failed']) await tell(type);
  await tell('runner.running', 'other');
  expect(await told({})).toEqual(['runner.running', 'runner.failed', 'execution.failed', 'runner.running']);
  expect(await told({ namespace: 'default' })).toEqual(['runner.running', 'runner.failed', 'execution.failed']);
  expect(await told({ types: ['failed'] })).toEqual(['runner.failed', 'execution.failed']);
  expect(await told({ types: ['dev.tsumugi.runner.failed', 'dev.tsumugi.execution.failed'], after: 2 })).toEqual(['execution.failed']);
  expect(await told({ since: new Date(Date.now() - 60_000) })).toHaveLength(4);
  expect(await told({ since: new Date(Date.now() + 60_000) })).toEqual([]);
});

test('what is no time and no number is refused', async () => {
  for (const query of ['since=soon', 'after=x']) {
    const answer = await send({ url: `http://127.0.0.1:${port}` }, `/v1/events?${query}`);
    answer.resume();
    expect(answer.statusCode).toBe(400);
  }
});

test('who follows hears what comes, goes on after a restart, and misses nothing', async () => {
  await tell('runner.running');
  const end = new AbortController();
  const seen: LoggedEvent[] = [];
  for await (const logged of readEvents(platform, { follow: true, signal: end.signal })) {
    seen.push(logged);
    if (seen.length === 1) void tell('runner.failed');
    if (seen.length === 2) {
      await close();
      await tell('execution.running');
      await listen(port);
      void tell('execution.succeeded');
    }
    if (seen.length === 4) end.abort();
  }
  expect(seen.map(({ sequence, event }) => `${sequence} ${event.type}`)).toEqual([
    '1 dev.tsumugi.runner.running',
    '2 dev.tsumugi.runner.failed',
    '3 dev.tsumugi.execution.running',
    '4 dev.tsumugi.execution.succeeded',
  ]);
});
