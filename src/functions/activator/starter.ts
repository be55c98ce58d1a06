/** Starting one instance: a generic pod, the package, the variables, SPECIALIZE. */
import { TsumugiError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Member } from '../fleet/member.ts';
import { checkVolumes, type Config, resolveConfig } from '../model/environment.ts';
import type { PlatformKeys } from '../model/keys.ts';
import { defaults } from '../model/names.ts';
import { poolOf } from '../model/pools.ts';
import type { RevisionResource } from '../../resources/revision.ts';
import type { Identity } from '../../wire/protocol.ts';
import type { Reservation } from './activator.ts';
import type { PackageCache } from './packages.ts';
import type { PodQueue } from './waiting.ts';

export interface StarterOptions {
  readonly client: KubeClient;
  readonly fleet: Fleet;
  readonly queue: PodQueue;
  readonly packages: PackageCache;
  readonly keys: PlatformKeys;
  readonly gatewayUrl: string;
  /** Greater than that of every earlier control plane on this data. */
  readonly epoch: number;
  /** How long the code of a function may take to load. */
  readonly loadTimeoutMs: number;
  /** Of its pods, as the nodes know it. */
  readonly imageOf: (spec: RevisionResource['spec']) => string;
  /** Who its code is; undefined: nobody. */
  readonly identityOf: (revision: RevisionResource) => Promise<Identity | undefined>;
  /** Why no pod can come for the revision; undefined while one may. */
  readonly whyNoPods: (spec: RevisionResource['spec']) => string | undefined;
  /** A pod that can no longer be used; with the revision whose code it has run, so that its output is kept. */
  readonly discard: (member: Member, why: string, revisionUid?: string) => void;
  /** Hears of each pod that is about to be sent the claim. */
  readonly reserved: (reservation: Reservation) => void;
  readonly log: Log;
  readonly signal: AbortSignal;
}

interface Needs {
  readonly tar: Uint8Array;
  readonly config: Config;
  readonly identity: Identity | undefined;
}

/** How often another controller may be first at a pod. */
const maxRaces = 20;
const attempts = 3;

/**
 * Makes an instance of the revision. Rejects with LoadError (the user's code, with its stack), NoInstance (no pod can be had, or
 * something it needs is missing), Timeout (no pod came in time), Busy (too many wait).
 */
export async function startInstance(options: StarterOptions, revision: RevisionResource): Promise<Member> {
  const { queue, log, signal } = options;
  const { spec, metadata } = revision;
  const hopeless = options.whyNoPods(spec);
  if (hopeless !== undefined) throw new TsumugiError('NoInstance', hopeless, { retryAfterSeconds: 5 });
  // First: what cannot be read now costs no pod.
  const needs = await needsOf(options, revision);

  for (let attempt = 1, races = 0; ; attempt++) {
    const member = await queue.take(poolOf(revision), signal);
    const outcome = await specialise(options, member, revision, needs);
    if (outcome === 'ok') return member;
    if (outcome === 'claimed' && races++ < maxRaces) {
      // That pod is another controller's instance, and nothing is wrong with it or with the function.
      log.debug({ pod: member.name, revision: metadata.name }, 'another controller was first at the pod');
      attempt--;
      continue;
    }
    log.warn({ pod: member.name, revision: metadata.name, attempt, outcome }, 'the pod did not take the revision');
    if (attempt === attempts)
      throw new TsumugiError('NoInstance', `${attempts} pods did not take revision ${metadata.name}: ${outcome}`, { retryAfterSeconds: 2 });
  }
}

/** `ok`, `claimed` by another, or why another pod must be tried. Throws LoadError. */
async function specialise(
  options: StarterOptions,
  member: Member,
  revision: RevisionResource,
  { tar, config, identity }: Needs,
): Promise<string> {
  const { fleet, keys, epoch, loadTimeoutMs, discard } = options;
  const { spec, metadata } = revision;
  const claim = { revisionUid: metadata.uid ?? '', epoch };
  const head = {
    ...claim,
    namespace: metadata.namespace ?? '',
    function: spec.function,
    revision: metadata.name,
    package: spec.source.package,
    handler: spec.handler === 'default' ? '' : spec.handler,
    ...config,
    concurrency: spec.concurrency ?? defaults.concurrency,
    ...(spec.reuse === 'never' && { once: true as const }),
    timeoutSeconds: spec.timeoutSeconds,
    token: keys.tokenFor(member.uid, epoch),
    gatewayUrl: options.gatewayUrl,
    image: options.imageOf(spec),
    ...(identity && { identity }),
  };
  // Heard of while the package was being read.
  if (member.claim) return 'claimed';
  let answer;
  try {
    if (!member.link) return 'the connection is gone';
    // First: whoever connects on this word does so while the claim is being sealed, and the pod keeps it waiting.
    options.reserved({ member, claim });
    answer = await member.link.specialize(head, tar, loadTimeoutMs);
  } catch (error) {
    // Its link broke after it was told that another was first.
    if (member.claim) return 'claimed';
    discard(member, 'it did not answer SPECIALIZE', claim.revisionUid);
    // A pod that died or hung while it loaded the code: the code did it, and would do it again to the next.
    throw new TsumugiError('LoadError', `function "${spec.function}" could not be loaded: ${(error as Error).message}`, {
      hint: `see its output: tsumugi logs ${spec.function} -n ${head.namespace}`,
      cause: error,
    });
  }
  if (answer.ok) {
    fleet.specialised(member, claim);
    return 'ok';
  }
  const { reason = 'refused', message = 'no reason given', stack } = answer.error ?? {};
  if (reason === 'claimed') return reason;
  discard(member, `${reason}: ${message}`, reason === 'load' ? claim.revisionUid : undefined);
  if (reason === 'load') throw new TsumugiError('LoadError', loadMessage(message, stack));
  return `${reason}: ${message}`;
}

/** Rejects with NoInstance that names what is missing, an object of a volume too. */
async function needsOf({ client, packages, identityOf }: StarterOptions, revision: RevisionResource): Promise<Needs> {
  const { metadata, spec } = revision;
  const { namespace = '' } = metadata;
  try {
    const [tar, config, identity] = await Promise.all([
      packages.get(spec.source.package),
      resolveConfig(client, namespace, spec),
      identityOf(revision),
      checkVolumes(client, namespace, spec),
    ]);
    return { tar, config, identity };
  } catch (error) {
    if (!(error instanceof TsumugiError) || (error.code !== 'NotFound' && error.code !== 'Invalid')) throw error;
    throw new TsumugiError('NoInstance', error.message, { ...(error.hint && { hint: error.hint }), retryAfterSeconds: 5, cause: error });
  }
}

/** The message with the stack's first lines that are the user's. */
function loadMessage(message: string, stack: string | undefined): string {
  const lines = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line) && !/node:internal|\/tsumugi\//.test(line));
  return [message, ...lines.slice(0, 3)].join('\n');
}
