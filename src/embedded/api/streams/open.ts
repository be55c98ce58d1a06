/** What a stream to a pod needs before it is one: rights, a pod, a container, options. Said as a Status while that is still possible. */
import type { KubeObject } from '../../../resources/object.ts';
import type { Reply } from '../answers.ts';
import type { Call } from '../core.ts';
import type { HandlerParts } from '../handler.ts';
import type { PodStreamAccess } from '../pod-access.ts';
import { containerOf } from '../pod-container.ts';
import type { PodLike } from '../pod-container.ts';
import type { ApiRequest } from '../request.ts';
import { objectOf } from '../rows.ts';
import { badRequest, unavailable } from '../status.ts';

const streams = ['exec', 'attach', 'portforward'] as const;
export type StreamKind = (typeof streams)[number];

export interface RemoteCommandOptions {
  readonly container: string;
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export type OpenStream =
  | { readonly kind: 'exec' | 'attach'; readonly access: PodStreamAccess; readonly pod: KubeObject; readonly options: RemoteCommandOptions }
  | { readonly kind: 'portforward'; readonly access: PodStreamAccess; readonly pod: KubeObject };

export const isStream = ({ kind, subresource }: Call): boolean =>
  kind.plural === 'pods' && kind.group === '' && (streams as readonly string[]).includes(subresource);

/** Throws an ApiError. */
export async function openStream({ server, podAccess }: HandlerParts, call: Call, { query }: ApiRequest): Promise<OpenStream> {
  server.authorize(call, 'create');
  const pod = objectOf<PodLike>(await server.get({ ...call, subresource: '' }));
  const kind = call.subresource as StreamKind;
  if (kind === 'portforward') return { kind, access: ready(podAccess?.streams, pod), pod };
  const flag = (name: string): boolean => query.has(name) && query.get(name) !== 'false' && query.get(name) !== '0';
  const tty = flag('tty');
  const options = {
    container: containerOf(pod, query.get('container')),
    command: query.getAll('command'),
    stdin: flag('stdin'),
    stdout: flag('stdout'),
    stderr: flag('stderr') && !tty,
    tty,
  };
  const access = ready(podAccess?.streams, pod);
  if (!options.stdin && !options.stdout && !options.stderr) throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  return { kind, access, pod, options };
}

function ready(access: PodStreamAccess | undefined, pod: PodLike): PodStreamAccess {
  if (!pod.spec?.nodeName) throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  if (!access) throw unavailable('this server has no node that could reach the pod');
  return access;
}

const advice =
  'this server speaks WebSocket here, not SPDY: use kubectl 1.31 or newer (or set KUBECTL_REMOTE_COMMAND_WEBSOCKETS=true for 1.29, KUBECTL_PORT_FORWARD_WEBSOCKETS=true for 1.30)';

/** The same without a WebSocket: what is wrong with the request, else that it must be one. */
export async function refuseStream(parts: HandlerParts, call: Call, request: ApiRequest): Promise<Reply> {
  await openStream(parts, call, request);
  throw badRequest(/^spdy/i.test(request.upgrade ?? '') ? advice : 'Upgrade request required');
}
