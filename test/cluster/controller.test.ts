/** Controllers and gateways, two of each, on a real API server and a real database: what goes on when some of them die. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { secretNames } from '../../src/install/parts.ts';
import type { FunctionResource } from '../../src/resources/function.ts';
import { functions, secrets } from '../../src/resources/resources.ts';
import { conditionOf } from '../../src/resources/conditions.ts';
import { eventually } from '../e2e/platform.ts';
import { ClusterPlatform, type Part } from './platform.ts';

const kubeconfig = process.env['TSUMUGI_TEST_KUBECONFIG'];

if (!kubeconfig) test.skip('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster');
else
  describe('controllers and gateways', () => {
    let platform: ClusterPlatform;
    let controllers: (Part & { readonly platform: string })[];
    let gateways: Part[];
    let namespace: string;

    const status = async (url: string): Promise<number> => (await fetch(url, { headers: { connection: 'close' } })).status;
    const call = async (gateway: Part | undefined, name: string): Promise<string> => {
      const response = await fetch(`${gateway?.url}/function/${name}.${namespace}`, { headers: { connection: 'close' } });
      const text = await response.text();
      return response.status === 200 ? text : `${response.status} ${text}`;
    };
    const deploy = async (
      name: string,
      answer: string,
      spec: object = {},
      source = `export default () => ${JSON.stringify(answer)};`,
    ): Promise<void> => {
      await platform.client.create<FunctionResource>(functions, {
        apiVersion: 'tsumugi.dev/v1',
        kind: 'Function',
        metadata: { namespace, name },
        spec: { source: { inline: source }, ...spec },
      } as FunctionResource);
      await eventually(
        `${name} is ready`,
        async () => {
          const object = await platform.client.get<FunctionResource>(functions, { namespace, name });
          return conditionOf(object, 'Ready')?.status === 'True';
        },
        40,
      );
      // Gateways hear of it a moment later than the API server: of the function, and that it is ready.
      for (const gateway of gateways)
        await eventually('the gateways know it', async () => !/^404 |NoInstance/.test(await call(gateway, name)));
    };

    beforeAll(async () => {
      platform = await ClusterPlatform.open(kubeconfig);
      namespace = platform.functionNamespace;
      controllers = await Promise.all([platform.controller('a'), platform.controller('b')]);
      await platform.startNode();
      gateways = await Promise.all([platform.gateway(controllers), platform.gateway(controllers)]);
    }, 120_000);
    afterAll(() => platform?.close(), 60_000);

    test('both start at once with one set of Secrets, and all become ready', async () => {
      for (const part of controllers) {
        const base = part.url.replace('/metrics', '');
        await eventually('the controller is ready', async () => (await status(`${base}/readyz`)) === 200, 20);
        expect(await status(`${base}/healthz`)).toBe(200);
        expect(await (await fetch(part.url, { headers: { connection: 'close' } })).text()).toContain('process="controller"');
      }
      for (const gateway of gateways)
        await eventually('the gateway is ready', async () => (await status(`${gateway.url}/readyz`)) === 200, 20);
      const [own, shown] = [await platform.secret(secretNames.platform), await platform.secret(secretNames.gateway)];
      expect(Object.keys(own).toSorted()).toEqual(['ca.crt', 'ca.key', 'instances.key', 'signing.pem', 'tls.crt', 'tls.key']);
      expect(shown['ca.crt']).toBe(own['ca.crt']);
    });

    test('a function answers through either gateway, and cold calls find their pod', async () => {
      await deploy('first', 'one');
      expect(await Promise.all(gateways.map((gateway) => call(gateway, 'first')))).toEqual(['one', 'one']);
    });

    test('requests at once get a pod each, whichever gateway and controller they come to', async () => {
      await deploy(
        'slow',
        '',
        { concurrency: 1 },
        'const id = crypto.randomUUID(); export default async () => { await new Promise((r) => setTimeout(r, 700)); return id; }',
      );
      const answers = await Promise.all([call(gateways[0], 'slow'), call(gateways[0], 'slow'), call(gateways[1], 'slow')]);
      expect(
        answers.every((answer) => /^[\da-f-]{36}$/.test(answer)),
        answers.join(),
      ).toBe(true);
      expect(new Set(answers).size).toBeGreaterThan(1);
    });

    test('a controller that is killed takes nothing with it: warm and cold calls go on', async () => {
      await deploy('second', 'two');
      await controllers[0]?.kill('SIGKILL');
      expect(await Promise.all(gateways.map((gateway) => call(gateway, 'first')))).toEqual(['one', 'one']);
      await deploy('third', 'three');
      for (const gateway of gateways) expect([await call(gateway, 'second'), await call(gateway, 'third')]).toEqual(['two', 'three']);
      // More at once than there are instances: these must be activated, by whom is left.
      const cold = Array.from({ length: 5 }, (_, n) => call(gateways[n % 2], 'slow'));
      expect((await Promise.all(cold)).filter((answer) => !/^[\da-f-]{36}$/.test(answer))).toEqual([]);
      expect(new Set(await Promise.all(cold)).size).toBeGreaterThan(2);
    });

    test('warm calls need no controller', async () => {
      expect(await controllers[1]?.kill('SIGTERM')).toBe(0);
      for (let round = 0; round < 5; round += 1)
        expect(await Promise.all(gateways.map((gateway) => call(gateway, 'third')))).toEqual(['three', 'three']);
    });

    test('what is missing in the Secrets is made again, what is there stays', async () => {
      const before = await platform.secret(secretNames.platform);
      await platform.client.patch(
        secrets,
        { namespace: platform.namespace, name: secretNames.platform },
        { type: 'json', body: [{ op: 'remove', path: '/data/tls.key' }] },
      );
      await platform.client.delete(secrets, { namespace: platform.namespace, name: secretNames.cli });
      const again = await platform.controller('c');
      const after = await platform.secret(secretNames.platform);
      expect({ ...after, 'tls.key': '', 'tls.crt': '' }).toEqual({ ...before, 'tls.key': '', 'tls.crt': '' });
      expect(after['tls.key']).not.toBe(before['tls.key']);
      expect((await platform.secret(secretNames.cli))['token']).toMatch(/^[\w-]{43}$/);
      expect(await again.kill('SIGTERM')).toBe(0);
    });
  });
