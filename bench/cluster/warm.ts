/** Warm hello on 64 connections through a gateway, beside node:http in a pod of the same image that is asked directly. */
import { readFileSync } from 'node:fs';
import type { Pod } from '../../src/resources/builtin/pod-types.ts';
import { configMaps, pods } from '../../src/resources/resources.ts';
import { timed } from '../lib/client.ts';
import { cpuSeconds } from '../lib/processes.ts';
import { figure, type Row } from '../lib/row.ts';
import { median } from '../lib/stats.ts';
import { wrk } from '../lib/wrk.ts';
import { createFunctions, type Installed, processesOf, system, until } from './installed.ts';

const raw = readFileSync(new URL('../peers/raw.ts', import.meta.url), 'utf8');

export const warm: Row<[Installed]> = {
  name: 'warm',
  run: ({ rounds, seconds }, installed) =>
    installed.inNamespace('warm', async (namespace) => {
      const { client, gateway } = installed;
      await createFunctions(installed, namespace, ['hello'], { inline: "export default () => 'hello world';\n" });
      const ours = `${gateway}/function/hello.${namespace}`;
      if ((await timed(ours)).status !== 200) throw new Error('hello does not answer');
      const listPods = async (at: string): Promise<readonly Pod[]> => (await client.list<Pod>(pods, { namespace: at })).items;
      const instance = async (): Promise<Pod | undefined> =>
        (await listPods(namespace)).find((pod) => pod.metadata.labels?.['tsumugi.dev/function']);
      await until('the instance is labelled', async () => (await instance()) !== undefined);
      const { spec, metadata } = (await instance())!;
      const plain = await startRaw(installed, namespace, spec.containers[0]!.image!);
      const platform = [...(await listPods(system)).map((pod) => pod.metadata.uid!), metadata.uid!];
      const contestants = [
        { url: ours, uids: platform, perSecond: [] as number[], microseconds: [] as number[] },
        { url: plain.url, uids: [plain.uid], perSecond: [] as number[], microseconds: [] as number[] },
      ] as const;
      for (const { url } of contestants) await wrk({ url, connections: 64, seconds: 2 });
      for (let round = 0; round < rounds; round++) {
        for (const one of contestants) {
          const processes = processesOf(one.uids);
          const before = cpuSeconds(processes);
          const result = await wrk({ url: one.url, connections: 64, seconds });
          one.microseconds.push(((cpuSeconds(processes) - before) / result.requests) * 1e6);
          one.perSecond.push(result.perSecond);
        }
      }
      const [through, directly] = contestants;
      const rate = (values: readonly number[]): string => `${(median(values) / 1000).toFixed(1)}k/s`;
      const cost = (values: readonly number[]): string => `${median(values).toFixed(1)} us`;
      const ratio = (a: readonly number[], b: readonly number[]): number => median(a.map((value, i) => value / b[i]!));
      return [
        figure(
          'warm hello, 64 connections: requests/s through a gateway to node:http in a pod asked directly',
          ratio(through.perSecond, directly.perSecond),
          'x',
          [0.5, 0.75],
          `${rate(through.perSecond)} to ${rate(directly.perSecond)}`,
        ),
        ...(median(through.microseconds) > 0
          ? [
              figure(
                'CPU per request, whole platform, to that',
                ratio(through.microseconds, directly.microseconds),
                'x',
                undefined,
                `${cost(through.microseconds)} to ${cost(directly.microseconds)}`,
              ),
            ]
          : []),
      ];
    }),
};

/** node:http in a pod like those of functions; where it answers. */
async function startRaw({ client }: Installed, namespace: string, image: string): Promise<{ url: string; uid: string }> {
  await client.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name: 'raw' },
    data: { 'raw.ts': raw },
  } as never);
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name: 'raw' },
    spec: {
      restartPolicy: 'Never',
      containers: [
        {
          name: 'raw',
          image,
          command: ['/usr/local/bin/node', '/raw/raw.ts', '8080', '0.0.0.0'],
          volumeMounts: [{ name: 'raw', mountPath: '/raw' }],
        },
      ],
      volumes: [{ name: 'raw', configMap: { name: 'raw' } }],
    },
  };
  const { uid } = (await client.create<Pod>(pods, pod)).metadata;
  let url = '';
  await until('node:http answers', async () => {
    const { podIP } = (await client.get<Pod>(pods, { namespace, name: 'raw' })).status ?? {};
    url = `http://${podIP}:8080/`;
    return podIP !== undefined && (await timed(url).catch(() => undefined))?.status === 200;
  });
  return { url, uid: uid! };
}
