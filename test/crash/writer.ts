/**
 * Writes ConfigMaps until it is killed: eight writers at once, each on names of its own, one after the other.
 * To stdout, before and after each: `? NAME N` (N 0: deletes) and `! NAME N REVISION`; written at once, so that it is out when the kill comes.
 */
import { writeSync } from 'node:fs';
import { openEmbeddedApi } from '../../src/embedded/api/index.ts';
import { configMaps } from '../../src/resources/resources.ts';
import type { KubeObject } from '../../src/resources/object.ts';

const [data = '', seed = '1'] = process.argv.slice(2);
const { client } = await openEmbeddedApi({ data, listen: false, history: { maxBytes: 256 * 1024 } });
const say = (line: string): void => void writeSync(1, `${line}\n`);

let state = Number(seed);
const random = (below: number): number => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state % below;
};
/** Never twice. */
let count = Number(seed) * 1_000_000;

async function write(name: string, exists: boolean): Promise<boolean> {
  const key = { namespace: 'default', name };
  if (exists && random(5) === 0) {
    say(`? ${name} 0`);
    await client.delete(configMaps, key);
    // A deletion has a revision of its own; what comes after it is above all the same.
    say(`! ${name} 0 0`);
    return false;
  }
  const n = (count += 1);
  say(`? ${name} ${n}`);
  const object: KubeObject & { data: Record<string, string> } = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: key,
    data: { n: String(n), first: `${n} `.repeat(random(300)), last: String(n) },
  };
  const { metadata } = exists ? await client.update(configMaps, object) : await client.create(configMaps, object);
  say(`! ${name} ${n} ${metadata.resourceVersion}`);
  return true;
}

const there = new Set((await client.list(configMaps, { namespace: 'default' })).items.map(({ metadata }) => metadata.name));
say('ready');
await Promise.all(
  Array.from({ length: 8 }, async (_, writer) => {
    for (;;) {
      const name = `w${writer}-${random(4)}`;
      if (await write(name, there.has(name))) there.add(name);
      else there.delete(name);
    }
  }),
);
