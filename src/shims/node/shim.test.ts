import { afterEach, expect, test } from 'vitest';
import { type Pod, startPod } from './testing/pod.ts';

const pods: Pod[] = [];
async function newPod(): Promise<Pod> {
  const pod = await startPod();
  pods.push(pod);
  return pod;
}
afterEach(async () => {
  for (const pod of pods.splice(0)) await pod.stop();
});

test('a specialised pod answers', async () => {
  const pod = await newPod();
  const { answer, client } = await pod.specialize('export default () => "hello"');
  expect(answer).toEqual({ ok: true, exports: [] });
  const reply = await client.request();
  expect(reply.status).toBe(200);
  expect(reply.headers).toEqual({ 'content-type': 'text/plain; charset=utf-8' });
  expect(reply.body.toString()).toBe('hello');
});
