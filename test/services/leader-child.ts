/**
 * A contender of `leadership.test.ts`, in a process of its own. As the leader it makes one ConfigMap after the other, and deletes one
 * blob after the other with its fence; it ends with 3 when it has lost. Arguments: kubeconfig, database URL, name.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { toError } from '../../src/base/errors.ts';
import { createHttpClient } from '../../src/kube/http/client.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';
import { electLeader, fenced } from '../../src/kube/leader.ts';
import { openPostgresRecords } from '../../src/records/postgres/records.ts';
import { configMaps } from '../../src/resources/resources.ts';

const [, , kubeconfig = '', url = '', name = ''] = process.argv;
const client = createHttpClient(await loadConnection({ path: kubeconfig }));
const records = await openPostgresRecords(url);
const say = (message: object): void => void process.stdout.write(`${JSON.stringify({ name, ...message })}\n`);

electLeader({
  client,
  namespace: 'default',
  lease: 'boss',
  identity: name,
  leaseDurationSeconds: 2,
  renewDeadlineSeconds: 1.2,
  retryPeriodSeconds: 0.2,
  epochFloor: () => records.fences.highest('controllers'),
  onLeading: async (leadership) => {
    const { epoch, signal } = leadership;
    const fence = { scope: 'controllers', epoch };
    await records.fences.raise(fence);
    say({ leads: epoch });
    const safe = fenced(client, leadership);
    for (let n = 0; !signal.aborted; n += 1) {
      const metadata = { namespace: 'default', name: `${name}-${epoch}-${n}`, labels: { epoch: `${epoch}` } };
      await safe.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata });
      const [next] = await records.blobs.list({ limit: 1 });
      if (next) await records.blobs.delete([next.id], { fence });
      await sleep(20);
    }
  },
  onLost: async (why) => {
    say({ lost: why.message });
    // However late it wakes up, and even if it does not ask the Lease: the records refuse it.
    const fence = { scope: 'controllers', epoch: Number(/epoch (\d+)/.exec(why.message)?.[1]) };
    const left = (await records.blobs.list({ limit: 10 })).map(({ id }) => id);
    const writes = [records.logs.trim({ olderThan: Infinity, maxBytes: 0 }, fence), records.blobs.delete(left, { fence })];
    const refused = (await Promise.allSettled(writes)).map((write) =>
      write.status === 'fulfilled' ? 'not refused' : toError(write.reason).message,
    );
    say({ refused });
    process.exit(3);
  },
});
