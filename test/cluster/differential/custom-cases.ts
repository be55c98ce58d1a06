/** What is particular to kinds that a CRD describes. */
import type { Script } from './servers.ts';

const created =
  (...specs: readonly object[]): Script =>
  async (s) => {
    for (const spec of specs)
      await s.create('functions?dryRun=All', { apiVersion: 'tsumugi.dev/v1', kind: 'Function', metadata: { name: 'f' }, spec });
  };
const source = { inline: 'x' };

export const customCases: Readonly<Record<string, Script>> = {
  nulls: created(
    { source, concurrency: null },
    { source, handler: null },
    { source, env: null },
    { source, env: [null] },
    { source, env: [{ name: 'A', value: null }] },
    { source, scale: null },
    { source, scale: { max: null } },
    { source: null },
    { source: { inline: null } },
    { source: { inline: null, package: null } },
  ),
  'nulls in a patch': async (s) => {
    await s.create('functions', {
      apiVersion: 'tsumugi.dev/v1',
      kind: 'Function',
      metadata: { name: 'f' },
      spec: { source, handler: 'h' },
    });
    await s.patch('json', 'functions/f', [{ op: 'add', path: '/spec/concurrency', value: null }]);
    await s.patch('json', 'functions/f', [{ op: 'replace', path: '/spec/handler', value: null }]);
    await s.patch('merge', 'functions/f', { spec: { handler: null, env: [{ name: 'A', value: null }] } });
  },
};
