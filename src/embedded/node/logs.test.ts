import { appendFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import { pods } from '../../resources/resources.ts';
import type { PodLogOptions } from '../api/pod-access.ts';
import { openWorld, phaseIs, shell } from './testing/world.ts';
import type { World } from './testing/world.ts';

describe("a pod's log", () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld('process', { blanks: 0, maxLogBytes: 40_000 });
  });
  afterAll(() => world.close());

  const read = async (name: string, more: Partial<PodLogOptions> = {}): Promise<string> => {
    const pod = await world.client.get<Pod>(pods, { namespace: 'default', name });
    const request = { container: 'main', follow: false, previous: false, timestamps: false, signal: new AbortController().signal, ...more };
    return Buffer.concat(await Array.fromAsync(world.node.log(pod, request))).toString();
  };
  const finished = async (name: string, script: string): Promise<Pod> => {
    await world.create(name, shell(script));
    return world.when(name, (pod) => phaseIs('Succeeded')(pod) || phaseIs('Failed')(pod));
  };

  it('is what the program wrote, the last line too when it has no end', async () => {
    await finished('plain', 'echo one; echo zwei ü; printf three');
    expect(await read('plain')).toBe('one\nzwei ü\nthree');
    expect(await read('plain', { tailLines: 2 })).toBe('zwei ü\nthree');
    expect(await read('plain', { tailLines: 0 })).toBe('');
    expect(await read('plain', { limitBytes: 6 })).toBe('one\nzw');
  });

  it('carries the time of each line where asked, and begins where asked', async () => {
    const pod = await finished('timed', 'echo first; sleep 1.2; echo second');
    const stamped = await read('timed', { timestamps: true });
    expect(stamped).toMatch(/^\S+Z first\n\S+Z second\n$/);
    const [first, second] = stamped.split('\n').map((line) => Date.parse(line.split(' ')[0] as string)) as [number, number];
    expect(second).toBeGreaterThan(first);
    expect(await read('timed', { sinceTime: new Date(second - 500).toISOString() })).toBe('second\n');
    expect(await read('timed', { sinceSeconds: 3600 })).toBe('first\nsecond\n');
    expect(pod.status?.phase).toBe('Succeeded');
  });

  it('joins what was cut, and keeps the newest of what was too much', async () => {
    await finished('long', 'head -c 20000 /dev/zero | tr "\\0" x; echo; i=0; while [ $i -lt 2000 ]; do echo "line $i"; i=$((i+1)); done');
    const lines = (await read('long')).trimEnd().split('\n');
    expect(lines.at(-1)).toBe('line 1999');
    expect(lines.length).toBeLessThan(2000);
    const shown = lines.map((line) => Number(line.replace('line ', '')));
    expect(shown).toEqual(Array.from(shown, (_, index) => 2000 - shown.length + index));
  });

  it('is followed across rotations until the program ends', async () => {
    await world.create(
      'followed',
      shell('read -r go <&3; i=0; while [ $i -lt 600 ]; do echo "line $i"; i=$((i+1)); [ $((i % 100)) = 0 ] && sleep 0.02; done'),
    );
    const { metadata } = await world.when('followed', phaseIs('Running'));
    const following = read('followed', { follow: true });
    world.host.send(`${metadata.uid}.0.0`, 'go');
    expect(await following).toBe(Array.from({ length: 600 }, (_, index) => `line ${index}\n`).join(''));
  });

  it('ends for a follower that goes away', async () => {
    await world.create('left', shell('echo here; sleep 1000'));
    await world.when('left', phaseIs('Running'));
    const gone = new AbortController();
    const pod = await world.client.get<Pod>(pods, { namespace: 'default', name: 'left' });
    const seen: string[] = [];
    for await (const chunk of world.node.log(pod, {
      container: 'main',
      follow: true,
      previous: false,
      timestamps: false,
      signal: gone.signal,
    })) {
      seen.push(Buffer.from(chunk).toString());
      gone.abort();
    }
    expect(seen).toEqual(['here\n']);
  });

  it('says why there is none', async () => {
    await world.create('waits', { containers: [{ name: 'main', image: 'nginx' }] });
    await world.when('waits', (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting !== undefined);
    await expect(read('waits')).rejects.toThrow('container "main" in pod "waits" is waiting to start: ImageUnavailable');
    await expect(read('plain', { previous: true })).rejects.toThrow('previous terminated container "main" in pod "plain" not found');
  });

  it('reads a file that was rotated away while it was read', async () => {
    const { metadata } = await finished('rotated', 'echo a');
    const file = join(world.folder, 'run/p', (metadata.uid as string).slice(0, 13), '0.log');
    await appendFile(file, '2026-01-01T00:00:00.000000000Z stdout F b\n');
    await rename(file, `${file}.1`);
    await writeFile(file, '2026-01-01T00:00:00.000000000Z stdout F c\n');
    expect(await read('rotated')).toBe('a\nb\nc\n');
  });
});
