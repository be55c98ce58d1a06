/** The table of built-in kinds is what the real server's OpenAPI says. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type OpenApi, structureDocuments, structureSource } from '../../scripts/structure.ts';
import { createHttpClient } from '../../src/kube/http/client.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];

describe.runIf(path)('the table of built-in kinds', () => {
  it('is what scripts/structure.ts makes of this server', async () => {
    const client = createHttpClient(await loadConnection({ path: path as string }));
    const documents = await Promise.all(
      structureDocuments.map(async (path) => JSON.parse(await client.raw(`/openapi/v3/${path}`)) as OpenApi),
    );
    client.close();
    expect(structureSource(documents)).toBe(
      readFileSync(new URL('../../src/resources/builtin/structure.generated.json', import.meta.url), 'utf8'),
    );
  });
});

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
