/** Keeps a file: PUT /function/upload/NAME. Deployed with `--permission store --visibility private`. */
import type { Handler } from 'tsumugi/sdk';

const upload: Handler = async (request, { store }) => {
  if (request.method !== 'PUT') return new Response('PUT a file\n', { status: 405, headers: { allow: 'PUT' } });
  const name = decodeURIComponent(new URL(request.url).pathname.slice(1));
  // One name, not a path.
  if (!/^[\w-][\w.-]*$/.test(name)) return new Response(`${JSON.stringify(name)} is no file name\n`, { status: 400 });
  const bytes = new Uint8Array(await request.arrayBuffer());
  await store.set(`files/${name}`, bytes);
  return { filepath: `files/${name}`, mime: request.headers.get('content-type'), bytes: bytes.length };
};

export default upload;
