/**
 * Somebody's own manifests, run and looked after as a runner is: a Job that measures the way to a host and sends what it found back
 * through the gateway, as this function; then the function reads it there, as a stream.
 *
 *   tsumugi deploy examples/pinger/upload.ts --permission store --visibility private
 *   tsumugi deploy examples/pinger/download.ts --permission store --visibility private
 *   tsumugi deploy examples/pinger/pinger.ts --permission runners
 *   tsumugi call pinger
 *   tsumugi logs pinger
 */
import { Runner } from 'tsumugi/client';
import { getContext } from 'tsumugi/sdk';

/** What runs in the Job's pod. A real `ping` needs a privilege that a pod has not: this one times TCP connections. */
const script = `
import { connect } from 'node:net';
const [target, count, upload] = process.argv.slice(2);
const [host, port] = target.split(':');
const lines = [];
const say = (line) => { lines.push(line); console.log(line); };
const once = () => new Promise((done, failed) => {
  const began = performance.now();
  const socket = connect(Number(port), host, () => { socket.destroy(); done(performance.now() - began); }).on('error', failed);
});
say('PING ' + target);
const times = [];
for (let seq = 0; seq < Number(count); seq++) {
  times.push(await once());
  say('connected to ' + target + ': seq=' + seq + ' time=' + times[seq].toFixed(3) + ' ms');
}
say('--- ' + target + ' ping statistics ---');
say(count + ' connections tried, ' + times.length + ' made');
const answer = await fetch(upload, { method: 'PUT', body: lines.join('\\n') + '\\n', headers: JSON.parse(process.env.HEADERS) });
console.log(answer.status, await answer.text());
if (!answer.ok) process.exitCode = 1;
`;

export async function pinger(target: string | null = null, count = 10): Promise<string> {
  const { TSUMUGI_GATEWAY_URL: gateway = '', TSUMUGI_NAMESPACE: namespace = '', TSUMUGI_IMAGE: image = '' } = process.env;
  const url = (name: string): string => `${gateway}/function/${name}.${namespace}/pinger.log`;
  const { hostname, port, protocol } = new URL(gateway);
  const to = target ?? `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
  // Short-lived, and for the gateway alone: what the guest needs to call back as this function.
  const headers = JSON.stringify(await getContext().credentials());

  const manifests = [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'pinger' }, data: { 'ping.mjs': script } },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'pinger' }, stringData: { HEADERS: headers } },
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'pinger' },
      spec: {
        backoffLimit: 0,
        template: {
          spec: {
            restartPolicy: 'Never',
            containers: [
              {
                name: 'pinger',
                image,
                args: ['--script=/script/ping.mjs', to, String(count), url('upload')],
                envFrom: [{ secretRef: { name: 'pinger' } }],
                volumeMounts: [{ name: 'script', mountPath: '/script' }],
              },
            ],
            volumes: [{ name: 'script', configMap: { name: 'pinger' } }],
          },
        },
      },
    },
  ];

  const runner = await Runner.load();
  console.log(await runner.guest(manifests));
  const status = await runner.waitFor();
  console.log(status);
  console.log(JSON.stringify(await runner.logs(), undefined, 4));
  console.log('Pinger Done.');

  const response = await fetch(url('download'), { headers: JSON.parse(headers) as Record<string, string> });
  const text = new TextDecoder();
  for await (const chunk of response.body ?? []) console.log(text.decode(chunk as Uint8Array, { stream: true }));
  return status;
}
