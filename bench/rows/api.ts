/** The embedded API beside a real API server, whose etcd waits for no disk: what a client sees of each, as ratios. */
import { loadavg } from 'node:os';
import { startCluster } from '../../scripts/lib/cluster.ts';
import { type ApiLoad, ourApi, p99, realApi } from '../lib/api-load.ts';
import { figure, type Figure, type Row } from '../lib/row.ts';
import { median } from '../lib/stats.ts';

const core = '/api/v1/namespaces';
const text = 'x'.repeat(1500);
const configMap = (name: string, n = ''): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels: { n } },
  data: { text },
});

const measures = ['creates/s', 'gets/s', 'watch p99 ms', 'list ms'] as const;
type Measured = Readonly<Record<(typeof measures)[number], number>>;
const sides = ['real', 'full', 'normal'] as const;

async function measure(api: ApiLoad, round: string, seconds: number): Promise<Measured> {
  const path = `${core}/bench/configmaps`;
  const creates = await api.rate(seconds, (n) => api.send('POST', path, configMap(`${round}-${n}`)));
  const gets = await api.rate(seconds, (n) => api.send('GET', `${core}/full/configmaps/c-${n % 1000}`));
  const times = await api.fanOut(`${core}/watched/configmaps`, 100, { perSecond: 20, seconds }, (n) =>
    api.send('POST', `${core}/watched/configmaps`, configMap(`${round}-${n}`, String(n))),
  );
  const { ms } = await api.list(`${core}/full/configmaps`);
  return { 'creates/s': creates, 'gets/s': gets, 'watch p99 ms': p99(times), 'list ms': ms };
}

export const api: Row = {
  name: 'api',
  async run({ rounds, seconds, quick }) {
    const count = quick ? 2000 : 10_000;
    const given = process.env['TSUMUGI_TEST_KUBECONFIG'];
    const cluster = given ? undefined : startCluster(`bench-api-${process.pid}`, 'TSUMUGI_TEST_KUBECONFIG');
    const all: Partial<Record<(typeof sides)[number], ApiLoad>> = {};
    try {
      const real = (all.real = await realApi(given ?? cluster!.kubeconfig));
      const full = (all.full = await ourApi('full'));
      const normal = (all.normal = await ourApi('normal'));
      const servers = { real, full, normal };
      for (const server of Object.values(servers)) {
        for (const name of ['bench', 'full', 'watched']) await server.send('POST', core, { metadata: { name } });
        await server.fill(`${core}/full/configmaps`, count, (n) => configMap(`c-${n}`));
      }
      const taken: Record<(typeof sides)[number], Measured[]> = { real: [], full: [], normal: [] };
      for (let round = 0; round < rounds; round++)
        for (const side of sides) taken[side].push(await measure(servers[side], `r${process.pid}-${round}`, seconds));
      return measures.flatMap((what) => figures(what, taken, count));
    } finally {
      for (const server of Object.values(all)) await server.stop();
      cluster?.stop();
    }
  },
};

function figures(what: (typeof measures)[number], taken: Record<(typeof sides)[number], Measured[]>, count: number): Figure[] {
  const of = (side: (typeof sides)[number]): number[] => taken[side].map((round) => round[what]);
  const isTime = what.endsWith('ms');
  const ratio = (side: 'full' | 'normal'): number =>
    median(of(side).map((value, index) => (isTime ? of('real')[index]! / value : value / of('real')[index]!)));
  const name = { 'creates/s': 'creates', 'gets/s': 'gets', 'watch p99 ms': 'watch fan-out to 100, p99', 'list ms': `list of ${count}` }[
    what
  ];
  const round = (value: number): string => value.toFixed(value < 100 ? 1 : 0);
  return (['normal', 'full'] as const).map((side) =>
    figure(
      `API, ${name}: to the real server, ${side === 'normal' ? 'waiting for no disk as its etcd' : 'each write on the disk'}`,
      ratio(side),
      'x',
      side === 'normal' ? [1, 3] : undefined,
      `${round(median(of(side)))} to ${round(median(of('real')))} ${what.split(' ').at(-1)}; load ${loadavg()[0]!.toFixed(1)}`,
    ),
  );
}
