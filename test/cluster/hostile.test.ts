/**
 * Requests that nobody means well with, to a real API server and to ours: what one takes the other takes. Which of two refusals comes first
 * is not compared.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openEmbeddedApi } from '../../src/embedded/api/index.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';
import { type ApiCase, apiCase } from '../hostile/api-cases.ts';
import { type Answer, apiTarget, exchange } from '../hostile/http.ts';
import { Random, seed } from '../hostile/random.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];
const count = 1500;

/** What differs on purpose: `docs/kubernetes-fidelity.md`. */
function isKnown({ method, path: asked, headers, body }: ApiCase): boolean {
  return (
    // What cannot be read is answered with a body, HEAD or not.
    method === 'HEAD' ||
    // The pod runs on a node that is not there: asking for its log or a stream is refused there and here, in other words.
    /\/(log|exec|attach|portforward|proxy|eviction|binding)\b/.test(asked) ||
    // Ours are answered in JSON and YAML.
    /protobuf/.test(headers['accept'] ?? '') ||
    // Objects may nest 1,000 deep here, 10,000 there.
    /(\[{1001})|(\{"a":){1001}/.test(body?.toString('latin1') ?? '')
  );
}

describe.runIf(path)('hostile requests to a real Kubernetes API server', () => {
  it('what it takes ours takes, what it refuses ours refuses', async () => {
    const data = mkdtempSync(join(tmpdir(), 'tsumugi-hostile-'));
    const api = await openEmbeddedApi({ data });
    const ours = apiTarget(api.url, { ca: api.ca }, api.token);
    const connection = await loadConnection({ path: path as string });
    const { token, certificate: cert, key } = await connection.credentials();
    const real = apiTarget(
      connection.server,
      { ...(connection.ca && { ca: connection.ca }), ...(cert && { cert }), ...(key && { key }) },
      token,
    );
    const namespace = `hostile-${process.pid}`;
    /** In a namespace of its own, which a real cluster has not seen yet. */
    const own = (text: string): string =>
      text.replaceAll('/namespaces/default', `/namespaces/${namespace}`).replaceAll('hostile-namespace', `${namespace}-other`);
    const made = Buffer.from(`{"metadata":{"name":"${namespace}"}}`);
    try {
      for (const target of [ours, real])
        await exchange(target, { method: 'POST', path: '/api/v1/namespaces', headers: { 'content-type': 'application/json' }, body: made });
      const differing: string[] = [];
      for (let index = 0; index < count; index++) {
        const drawn = apiCase(new Random(seed + index * 7919), false);
        if (drawn.path.includes('watch=true') || isKnown(drawn)) continue;
        // Without effect, so that both servers stay in one state: nothing is there.
        const body = drawn.body && Buffer.from(own(drawn.body.toString('latin1')), 'latin1');
        const asked = { ...drawn, ...(body && { body }), path: `${own(drawn.path)}${drawn.path.includes('?') ? '&' : '?'}dryRun=All` };
        const answers: Answer[] = [];
        for (const target of [ours, real]) answers.push(await exchange(target, asked));
        const [our, their] = answers as [Answer, Answer];
        if (our.status >= 400 !== their.status >= 400)
          differing.push(
            `case ${index} of seed ${seed}: ${our.status}, not ${their.status}: ${asked.method} ${asked.path.slice(0, 200)} ${asked.body?.toString('latin1').slice(0, 300)} ${our.text.slice(0, 200)} ${their.text.slice(0, 200)}`,
          );
      }
      expect(differing).toEqual([]);
    } finally {
      ours.agent.destroy();
      real.agent.destroy();
      await api.close();
      rmSync(data, { recursive: true });
    }
  }, 300_000);
});
