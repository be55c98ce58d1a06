/** One machine: a platform as `tsumugi up` starts it. */
import { readFileSync } from 'node:fs';
import { findKubectl, Kubectl } from '../e2e/kubectl.ts';
import { cleanUp, startPlatform, tsumugi } from '../e2e/platform.ts';
import type { Substrate } from './substrate.ts';

export async function embeddedSubstrate(): Promise<Substrate> {
  const platform = await startPlatform();
  const found = await findKubectl();
  const kubectl = 'path' in found ? new Kubectl(found.path, readFileSync(platform.kubeconfig, 'utf8')) : undefined;
  const namespace = 'suite';
  const run: Substrate['tsumugi'] = (args, input) =>
    tsumugi(args, { env: { TSUMUGI_DATA: platform.data }, ...(input === undefined ? {} : { input }) });
  await run(['apply', '-f', '-'], `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${namespace}}\n`);
  return {
    namespace,
    patience: 15,
    image: 'host',
    connection: { data: platform.data },
    kubectl,
    tsumugi: run,
    fetch: (path, init) => platform.fetch(path, init),
    stop: async () => {
      kubectl?.close();
      await cleanUp();
    },
  };
}
