import { generatePodKey, generateSigningKey, importVerifyKey, openSpecialize, sealSpecialize } from '../../wire/seal.ts';
import { toAnswer } from './answer.ts';
import { running } from './console.ts';
import { Invocation, InvocationContext } from './invocation.ts';
import { incomingRequest } from './web/request.ts';
import { Response } from './web/response.ts';

/**
 * Does once, with nobody waiting, what the first claim and the first request will do: code is compiled, and Node's lazy parts of
 * crypto, URL and module loading are there. Costs a blank pod about 4 ms of CPU and saves its first caller as much.
 */
export async function warmUp(): Promise<void> {
  const [platform, pod] = [generateSigningKey(), generatePodKey()];
  const head = { pod: '', revisionUid: '', epoch: 0, namespace: '', function: '', revision: '', handler: '', env: {}, concurrency: 1 };
  const claim = { ...head, timeoutSeconds: 1, token: '', gatewayUrl: '', image: '' };
  openSpecialize(sealSpecialize(claim, new Uint8Array(64), pod.publicKey, platform), '', pod, importVerifyKey(platform.publicKey));
  const fields = ['GET', '/?a=b', 'warm', '', '', '', 'http://localhost:8080', 'host', 'localhost'];
  const invocation = new Invocation(1, fields, undefined);
  running.run(new InvocationContext(invocation, claim), () => {
    const request = incomingRequest(invocation);
    void toAnswer(new Response(request.url + request.headers.get('host'), { headers: { a: 'b' } }));
    void toAnswer({ url: new URL(request.url).searchParams.get('a') });
  });
  const module: string = 'data:text/javascript,export default 1';
  await import(module);
}
