/** Streams a file that `upload` kept: GET /function/download/NAME. Deployed with `--permission store --visibility private`. */
import type { Handler } from 'tsumugi/sdk';

const chunk = 1024;

const download: Handler = async (request, { store }) => {
  const name = decodeURIComponent(new URL(request.url).pathname.slice(1));
  const file = await store.get<Uint8Array>(`files/${name}`);
  if (!file) return new Response(`there is no file ${JSON.stringify(name)}\n`, { status: 404 });
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < file.length; at += chunk) controller.enqueue(file.subarray(at, at + chunk));
      controller.close();
    },
  });
  return new Response(stream, { headers: { 'content-type': 'application/octet-stream' } });
};

export default download;
