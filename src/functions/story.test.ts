/** What `kubectl describe fn NAME` tells under Events. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { KubeEvent } from '../resources/builtin/event.ts';
import { events, pods } from '../resources/resources.ts';
import { overriding } from './testing/client.ts';
import { eventually, TestPlatform } from './testing/platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

/** `Normal Reason: message`, in the order of writing. */
async function story(name: string): Promise<string[]> {
  const { items } = await platform.client.list<KubeEvent>(events, {
    namespace: 'default',
    fieldSelector: `involvedObject.kind=Function,involvedObject.name=${name}`,
  });
  return items
    .toSorted((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
    .map(({ type, reason, message, count }) => `${type} ${reason}: ${message}${count === 1 ? '' : ` (x${count})`}`);
}

describe('the events of a function', () => {
  it('tell of code that cannot be built, of its mending and of each move of the traffic', async () => {
    await platform.inline('tale', `export default () => {{{;`);
    await platform.ready('tale', 'False');
    await platform.inline('tale', `export default () => 1;`);
    await platform.ready('tale');
    await platform.inline('tale', `export default () => 2;`);
    await eventually(async () =>
      expect(await story('tale')).toEqual([
        expect.stringMatching(/^Warning BuildFailed: .*tale/),
        'Normal TrafficMoved: revision tale-00001 gets the traffic',
        'Normal Ready: revision tale-00001 gets the traffic',
        'Normal TrafficMoved: revision tale-00002 gets the traffic, no longer tale-00001',
      ]),
    );
  });

  it('tell of an instance that died, and that the last one went for want of work', async () => {
    await platform.inline('fate', `export default () => 1;`, { scale: { idleTimeoutSeconds: 1 } });
    await platform.ready('fate');
    const first = await platform.instance('fate');
    // Often before its labels are written.
    platform.node.processOf(first.pod)?.kill('SIGKILL');
    await eventually(async () => expect((await story('fate')).at(-1)).toMatch(/^Warning InstanceFailed: an instance ended: .*137/));
    expect(await platform.call('fate')).toBe('1');
    await eventually(async () => expect((await story('fate')).at(-1)).toBe('Normal ScaledToZero: without requests for 1 s'));
  });

  it('tell of an instance that died before its labels were written', async () => {
    await platform.stopFunctions();
    const { client } = platform;
    // Labels are all that pods are patched for.
    const unlabelling = overriding(client, {
      patch: (...args) => (args[0] === pods ? Promise.reject(new Error('not now')) : client.patch(...args)),
    });
    await platform.startFunctions({ client: unlabelling });
    await platform.inline('brief', `export default () => 1;`);
    await platform.ready('brief');
    const { pod } = await platform.instance('brief');
    platform.node.processOf(pod)?.kill('SIGKILL');
    await eventually(async () => expect((await story('brief')).at(-1)).toMatch(/^Warning InstanceFailed: an instance ended: .*137/));
  });
});
