import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  digestOf,
  generatePodKey,
  generateSigningKey,
  importVerifyKey,
  openSpecialize,
  prepareSealing,
  sealSpecialize,
} from '../../wire/seal.ts';
import { toAnswer } from './answer.ts';
import { running } from './console.ts';
import { loadFunction } from './handler.ts';
import { Invocation, InvocationContext } from './invocation.ts';
import { incomingRequest } from './web/request.ts';
import { Response } from './web/response.ts';

/**
 * Does once, with nobody waiting, what the first claim and the first request will do: code is compiled, and Node's lazy parts of
 * crypto, URL and module loading are there. Costs a blank pod some milliseconds of CPU and saves its first caller as many.
 */
export async function warmUp(): Promise<void> {
  const [platform, pod] = [generateSigningKey(), generatePodKey()];
  const tar = new Uint8Array(64);
  const head = { pod: '', revisionUid: '', epoch: 0, namespace: '', function: '', revision: '', handler: '', env: {}, concurrency: 1 };
  const claim = { ...head, package: digestOf(tar), timeoutSeconds: 1, token: '', gatewayUrl: '', image: '' };
  openSpecialize(sealSpecialize(claim, tar, prepareSealing(pod.publicKey), platform), '', pod, importVerifyKey(platform.publicKey));
  const fields = ['GET', '/?a=b', 'warm', '', '', '', 'http://localhost:8080', 'host', 'localhost'];
  const invocation = new Invocation(1, fields, undefined);
  running.run(new InvocationContext(invocation, claim, undefined), () => {
    const request = incomingRequest(invocation);
    void toAnswer(new Response(request.url + request.headers.get('host'), { headers: { a: 'b' } }));
    void toAnswer({ url: new URL(request.url).searchParams.get('a') });
  });
  await loadSomething().catch(() => {
    // No place to write: then the first claim says so, with a name.
  });
}

/**
 * Extracts and imports a module of no content, as the first claim will do with its package, and in the same place. Synchronous: the
 * promises of `fs` are modules more to load, and their `rm` half of all that warming up costs.
 */
async function loadSomething(): Promise<void> {
  const folder = mkdtempSync(join(process.cwd(), '.warm-'));
  try {
    await loadFunction(tarOf('handler.mjs', 'export default () => {};\n//# sourceMappingURL=handler.mjs.map\n'), folder, '');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A ustar of one small file. */
function tarOf(name: string, content: string): Buffer {
  const tar = Buffer.alloc(2048);
  tar.write(name, 0);
  tar.write(content.length.toString(8).padStart(11, '0'), 124);
  tar.write('0', 156);
  tar.write('ustar', 257);
  tar.write(content, 512);
  return tar;
}
