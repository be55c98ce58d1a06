import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Specialize } from '../../wire/protocol.ts';
import { type Client, Failed } from '../node/testing/client.ts';
import { makeTar } from '../node/testing/package.ts';
import { claim, type Pod, seal } from '../node/testing/pod.ts';
import { usePods } from '../node/testing/pods.ts';

const newPod = usePods();

/** A pod that runs this program, and a gateway's connection to it. */
async function runs(program: string | Uint8Array, options: Partial<Specialize> = {}) {
  const pod = await newPod();
  const { client: activator, welcome } = await pod.connect();
  const answer = await activator.specialize(
    seal(claim(pod.uid, { concurrency: 1, ...options }), makeTar({ handler: program, 'tsumugi.json': '{}' }), welcome),
  );
  if (!answer.ok) return { pod, answer, client: activator };
  return { pod, answer, client: (await pod.connect(`token-of-${pod.uid}`)).client };
}

/** The answer, when the instance has room again. */
async function afterwards(client: Client): Promise<string> {
  for (;;) {
    const text = await client.text().catch((error: Error) => (error.message === 'busy' ? undefined : Promise.reject(error)));
    if (text !== undefined) return text;
  }
}

/** Whether a process runs, and is no zombie. */
const runsStill = (pid: string): boolean => {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

/** What a program wrote to a file of its working folder, once it is there. */
async function written(pod: Pod, name: string): Promise<string> {
  const path = join(pod.work, name);
  while (!existsSync(path) || !readFileSync(path, 'utf8').endsWith('\n')) await new Promise((resolve) => setImmediate(resolve));
  return readFileSync(path, 'utf8').trim();
}

async function gone(pid: string): Promise<void> {
  while (runsStill(pid)) await new Promise((resolve) => setImmediate(resolve));
}

describe('a program', () => {
  test('is run for each request: stdin is the body, stdout the answer', async () => {
    const { answer, client } = await runs('#!/bin/sh\ntr a-z A-Z\n');
    expect(answer).toEqual({ ok: true, exports: [] });
    for (const body of ['first', 'x'.repeat(200_000), undefined, 'with \0 and é']) {
      const { status, headers, body: said } = await client.request({ method: 'PATCH', ...(body !== undefined && { body }) });
      expect([status, said.toString()]).toEqual([200, (body ?? '').replace(/[a-z]/g, (letter) => letter.toUpperCase())]);
      expect(headers['content-type']).toBe(body?.includes('\0') ? 'application/octet-stream' : 'text/plain; charset=utf-8');
    }
  });

  test('may be a script that names no interpreter, and may leave files for the next request', async () => {
    const { client } = await runs('date >> counter.txt\ncat counter.txt | wc -l\n');
    for (const count of [1, 2, 3]) expect(Number(await client.text())).toBe(count);
  });

  test('may be machine code', async () => {
    const { client } = await runs(readFileSync('/bin/cat'));
    expect(await client.text({ body: 'as it came' })).toBe('as it came');
  });

  test('is told of the request in variables, beside those of the function', async () => {
    const { client } = await runs('#!/bin/sh\nenv\n', { env: { GREETING: "it's\nhere", REQUEST_METHOD: 'no' } });
    const text = await client.text({
      method: 'PUT',
      target: '/a%20b/%00?x=1&y=$(id)',
      body: '12345',
      requestId: 'r-1',
      headers: {
        'content-length': '5',
        'content-type': 'text/plain',
        'x-quote': `'; touch /tmp/no; '`,
        proxy: 'http://evil',
        x_quote: 'spoofed',
      },
    });
    const lines = text.split('\n');
    for (const line of [
      'REQUEST_METHOD=PUT',
      'REQUEST_URI=/a%20b/%00?x=1&y=$(id)',
      'PATH_INFO=/a%20b/%00',
      'QUERY_STRING=x=1&y=$(id)',
      'CONTENT_LENGTH=5',
      'CONTENT_TYPE=text/plain',
      `HTTP_X_QUOTE='; touch /tmp/no; '`,
      'REQUEST_ID=r-1',
      "GREETING=it's",
      'TSUMUGI_FUNCTION=hello',
    ])
      expect(lines).toContain(line);
    expect(text).not.toMatch(/HTTP_PROXY|spoofed|TSUMUGI_LIFELINE/);
    expect(lines).toContain('here');
    // One request's are not the next one's.
    expect(await client.text()).not.toMatch(/HTTP_X_QUOTE|CONTENT_TYPE/);
    expect(await client.text({ target: '/caf%C3%A9' })).toContain('PATH_INFO=/café\n');
  });

  test('has none of the shim’s files open, and pipes that it can open again', async () => {
    const { client, pod } = await runs('#!/bin/sh\necho open >/dev/stdout; echo log >/dev/stderr; cat /dev/stdin; ls -l /proc/self/fd\n');
    const text = await client.text({ body: 'body\n' });
    expect(text).toMatch(/^open\nbody\n/);
    // 3 is ls's own. Of what others left open to us, nothing is a socket.
    expect(text).not.toMatch(/socket:|anon_inode|\.tsumugi.*\/in|^.* [4-9] -> /m);
    await pod.logged(/\[r1\] log\n/);
  });
});

describe('streams', () => {
  test('an answer comes while the program works, and a body is read as it comes', async () => {
    const { client } = await runs('#!/bin/sh\nwhile read -r line; do echo "got $line"; done\n');
    const call = client.start({ method: 'POST' }, false);
    await client.send(call, Buffer.from('one\n'), false);
    await call.until(() => call.received > 0);
    expect(Buffer.concat(call.pieces).toString()).toBe('got one\n');
    await client.send(call, Buffer.from('two\n'));
    expect((await call.reply()).body.toString()).toBe('got one\ngot two\n');
    expect(await client.text({ body: 'three\n' })).toBe('got three\n');
  });

  test('a program waits while nobody takes its answer, and a sender while it does not read', async () => {
    const { client, pod } = await runs(
      '#!/bin/sh\nif [ "$REQUEST_URI" = /out ]; then head -c 8000000 /dev/zero; echo yes >written; else while [ ! -e go ]; do sleep 0.01; done; wc -c; fi\n',
    );
    const call = client.start({ target: '/out', holdCredit: true });
    await call.until(() => call.received === 256 * 1024);
    expect(existsSync(join(pod.work, 'written'))).toBe(false);
    client.grant(call, 8_000_000);
    expect((await call.reply()).body.length).toBe(8_000_000);

    const upload = client.start({ method: 'POST', target: '/in' }, false);
    const sent = client.send(upload, new Uint8Array(3_000_000));
    await upload.until(() => upload.credit === 0);
    const other = await pod.connect(`token-of-${pod.uid}`);
    await expect(other.client.request()).rejects.toThrow('busy');
    writeFileSync(join(pod.work, 'go'), '');
    await sent;
    expect(Number((await upload.reply()).body)).toBe(3_000_000);
  });

  test('a program that does not read its body answers all the same, before the end of it', async () => {
    const { client } = await runs('#!/bin/sh\necho enough\n');
    for (const _ of [1, 2]) {
      const call = client.start({ method: 'POST' }, false);
      expect((await call.reply()).body.toString()).toBe('enough\n');
    }
    const call = client.start({ method: 'POST' }, false);
    await client.send(call, new Uint8Array(200_000), false);
    expect((await call.reply()).body.toString()).toBe('enough\n');
  });
});

describe('a program that fails', () => {
  test('is a HandlerError; what it wrote to stderr is in the log, with its request', async () => {
    const { client, pod } = await runs('#!/bin/sh\necho "half an answer"\necho "no such order" >&2\nprintf "the end" >&2\nexit 3\n');
    const failed = await client.request({ requestId: 'r-7' }).catch((error: unknown) => error as Failed);
    expect(failed).toBeInstanceOf(Failed);
    expect((failed as Failed).abort).toMatchObject({ code: 'HandlerError', message: 'ProgramFailed: the program ended with exit code 3' });
    expect(await pod.logged(/exit code 3/)).toBe('[r-7] no such order\n[r-7] the end\n[r-7] the program ended with exit code 3\n');
  });

  test('after its answer has begun breaks it off', async () => {
    const { client } = await runs('#!/bin/sh\necho begun\nread line\nexit 4\n');
    const call = client.start({ method: 'POST' }, false);
    await call.until(() => call.received > 0);
    expect(call.status).toBe(200);
    await client.send(call, Buffer.from('go\n'));
    await expect(call.reply()).rejects.toThrow('exit code 4');
  });

  test('because it is killed says by what; the next request has another', async () => {
    const { client } = await runs('#!/bin/sh\ncase $REQUEST_URI in /kill) kill -SEGV $$;; /group) kill -9 0;; *) echo fine;; esac\n');
    await expect(client.request({ target: '/kill' })).rejects.toThrow('killed by signal 11');
    expect(await client.text()).toBe('fine\n');
    await expect(client.request({ target: '/group' })).rejects.toThrow('killed by signal 9');
    expect(await client.text()).toBe('fine\n');
  });
});

describe('nothing outlives its request:', () => {
  const child = '#!/bin/sh\n[ "$REQUEST_URI" = / ] && exec echo fine\nsleep 1000 & echo $! >child; echo $$ >self\n';

  test('who gives up ends the program and all that it started', async () => {
    const { client, pod } = await runs(`${child}wait\n`);
    const call = client.start({ target: '/long' });
    const [own, started] = [await written(pod, 'self'), await written(pod, 'child')];
    expect([own, started].map(runsStill)).toEqual([true, true]);
    client.abort(call, 'Timeout');
    await Promise.all([own, started].map(gone));
    expect(await afterwards(client)).toBe('fine\n');
    expect(pod.log()).toBe('');
  });

  test('what holds its stdout open after its end is killed, and the answer is whole', async () => {
    const { client, pod } = await runs(`${child}echo answered\n`);
    expect(await client.text({ target: '/leaves' })).toBe('answered\n');
    await gone(await written(pod, 'child'));
    expect(await client.text()).toBe('fine\n');
  });

  test('what has left its process group is not heard any more', async () => {
    const { client, pod } = await runs(
      '#!/bin/sh\n[ "$REQUEST_URI" = / ] && exec echo fine\nsetsid sh -c \'echo $$ >child; while [ ! -e go ]; do sleep 0.01; done; echo late\' & echo answered\n',
    );
    expect(await client.text({ target: '/daemon' })).toBe('answered\n');
    expect(await client.text()).toBe('fine\n');
    writeFileSync(join(pod.work, 'go'), '');
    await gone(await written(pod, 'child'));
    expect(await client.text()).toBe('fine\n');
  });

  test('the end of the pod ends it', async () => {
    const { client, pod } = await runs(`${child}wait\n`);
    client.start({ target: '/long' });
    const [own, started] = [await written(pod, 'self'), await written(pod, 'child')];
    expect([own, started].map(runsStill)).toEqual([true, true]);
    pod.lifeline.destroy();
    await Promise.all([own, started].map(gone));
  });
});

test('an instance that can start no program any more ends, so that another takes its place', async () => {
  const { client, pod } = await runs('#!/bin/sh\nrm -rf .tsumugi; echo >.tsumugi; kill -9 0\n');
  await expect(client.text()).rejects.toThrow('killed by signal 9');
  await expect(client.text()).rejects.toThrow();
  expect((await pod.exited).code).toBe(1);
  expect(pod.log()).toContain('no shell for programs');
});

test('a program that removes the shim’s files harms nobody', async () => {
  const { client } = await runs('#!/bin/sh\n[ "$REQUEST_URI" = / ] && exec echo fine; rm -rf .tsumugi\n');
  await client.text({ target: '/remove' });
  expect(await client.text()).toBe('fine\n');
});

test('a function’s PATH is its own affair', async () => {
  const { client } = await runs('#!/bin/sh\nread -r line; echo "$PATH $line"\n', { env: { PATH: '/nowhere' } });
  const call = client.start({ method: 'POST' }, false);
  await client.send(call, Buffer.from('body\n'));
  expect((await call.reply()).body.toString()).toBe('/nowhere body\n');
});

test('bodies that come piece by piece, one after another, are each program’s own', async () => {
  const { client } = await runs('#!/bin/sh\nif [ "$REQUEST_URI" = /read ]; then cat; else echo early; fi\n', { concurrency: 2 });
  for (let count = 0; count < 40; count++) {
    const early = client.start({ method: 'POST', target: '/early' }, false);
    if (count % 2) await client.send(early, Buffer.from('never read'), false);
    expect((await early.reply()).body.toString()).toBe('early\n');
    const read = client.start({ method: 'POST', target: '/read' }, false);
    await client.send(read, Buffer.from(`${count} `), false);
    await client.send(read, Buffer.from('done'));
    expect((await read.reply()).body.toString()).toBe(`${count} done`);
  }
});

test('as many run at once as the function allows', async () => {
  const { client } = await runs('#!/bin/sh\ncat\n', { concurrency: 3 });
  const calls = ['a', 'b', 'c'].map(() => client.start({ method: 'POST' }, false));
  for (const [index, call] of calls.entries()) {
    await client.send(call, Buffer.from(`${index}`), false);
    await call.until(() => call.received > 0);
  }
  await Promise.all(calls.map((call) => client.send(call, Buffer.from('!'))));
  expect(await Promise.all(calls.map(async (call) => (await call.reply()).body.toString()))).toEqual(['0!', '1!', '2!']);
});

describe('a program that cannot run here is refused when it is loaded', () => {
  const elf = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = Buffer.from(readFileSync('/bin/cat'));
    change(bytes);
    return bytes;
  };
  const loader = readFileSync('/bin/cat').indexOf('/ld-linux');
  test.each([
    [
      'its interpreter is missing',
      '#!/usr/bin/nothing\n',
      /interpreter "\/usr\/bin\/nothing" .*\(#!\/usr\/bin\/nothing\) is not in the function's pod/,
    ],
    ['env does not find it', '#!/usr/bin/env -S nothing --fast\n', /interpreter "nothing"/],
    ['it has Windows line ends', '#!/bin/sh\r\necho hi\r\n', /Windows line ends/],
    ['there is nothing after #!', '#!\n', /without an interpreter/],
    ['it is empty', '', /empty file/],
    [
      'it is for another processor',
      elf((bytes) => bytes.writeUInt16LE(process.arch === 'x64' ? 183 : 62, 18)),
      /was built for (arm64|x64), and this pod runs on/,
    ],
    ['it is no program', elf((bytes) => bytes.writeUInt16LE(1, 16)), /no program/],
    ['its loader is missing', elf((bytes) => bytes.write('/xx', loader)), /needs ".*\/xx-linux.*", which is not in the function's pod/],
    ['it is for Windows', Buffer.from('MZ\0\0'), /built for Windows/],
    ['it is for a Mac', Buffer.from('cffaedfe0000', 'hex'), /built for macOS/],
    ['it is something else', Buffer.from('PK\0\0'), /neither a script nor a program/],
  ] as const)('because %s', async (_, program, message) => {
    const { answer } = await runs(program);
    expect(answer).toMatchObject({ ok: false, error: { reason: 'load', message: expect.stringMatching(message) } });
  });
});
