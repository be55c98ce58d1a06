/**
 * Function -> Revision, and which revision gets the traffic.
 *
 * A change of the fields that matter makes the next revision. While the one before it has instances (or must have some), the new one
 * is started first, and the traffic moves once it is loaded; if it cannot be loaded, the traffic stays where it is and the condition
 * says why. `status.latestReadyRevision` is where the traffic goes.
 *
 * A revision that nobody calls yet is Ready untried: ten thousand functions that are applied cost no instance. Who waits for the
 * outcome of one asks for more with the annotation `tsumugi.dev/prove: "true"`, as `tsumugi deploy FILE` does (a folder does not): then
 * each new revision is loaded once, and a module that throws is told at the deploy and not at the first call. The verdict is kept in
 * the Revision's status, so that neither a restart nor a scale to zero asks again.
 *
 * A change of what its Secrets and ConfigMaps hold makes the next revision, too, so that instances with the old values go as those of an
 * old source do. Nothing tells of such a change: while there are instances, it is looked for.
 */
import type { BlobStore } from '../../records/blobs.ts';
import { TsumugiError } from '../../base/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Informer } from '../../kube/informer.ts';
import type { ReconcileResult } from '../../kube/reconcile.ts';
import { conditionOf, setCondition } from '../../resources/conditions.ts';
import { type Condition, isAlreadyExists, type KubeObject } from '../../resources/object.ts';
import { functions as functionResource, revisions as revisionResource } from '../../resources/resources.ts';
import type { Accounts } from '../identity/accounts.ts';
import { checkVolumes, resolveConfig, usesConfig } from '../model/environment.ts';
import {
  annotation,
  defaults,
  fieldManager,
  functionPath,
  isOwnedBy,
  label,
  ownedBy,
  ownPodFields,
  revisionHash,
  revisionName,
  revisionNumber,
  stable,
} from '../model/names.ts';
import { runtimeTrouble } from '../model/pod-trouble.ts';
import type { FunctionResource, FunctionStatus } from '../../resources/function.ts';
import type { RevisionResource } from '../../resources/revision.ts';
import type { RuntimeResource } from '../../resources/runtime.ts';
import { loadFailed } from './revision-status.ts';
import { exportsOf, packageOf, sourceHash } from './source.ts';
import type { Trials } from './trials.ts';

export interface FunctionReconcilerOptions {
  readonly client: KubeClient;
  readonly blobs: BlobStore;
  readonly functions: Informer<FunctionResource>;
  /** Indexed `function` by `namespace/name` of the function. */
  readonly revisions: Informer<RevisionResource>;
  readonly runtimes: Informer<RuntimeResource>;
  /** Whether a revision has instances. */
  readonly hasInstances: (revisionUid: string) => boolean;
  readonly accounts: Accounts;
  readonly trials: Trials;
  /** `PlatformKeys.digest` */
  readonly digest: (text: string) => string;
  readonly gatewayUrl: string;
}

/** How soon something that was missing (a Secret, a Runtime, a package) is looked for again: nothing tells us of it. */
const missingAgain = { again: 3 };
const failedAgain = { again: 30 };
/** How soon Secrets and ConfigMaps of a function with instances are read again. */
const configAgain = { again: 10 };

type Verdict = Pick<Condition, 'status' | 'reason' | 'message'>;

/** Stops a run with what the user shall read in the Ready condition. */
class NotReady extends Error {
  readonly reason: string;
  readonly again: ReconcileResult;
  constructor(reason: string, message: string, again?: ReconcileResult) {
    super(message);
    this.reason = reason;
    this.again = again;
  }
}

export class FunctionReconciler {
  readonly #options: FunctionReconcilerOptions;

  constructor(options: FunctionReconcilerOptions) {
    this.#options = options;
  }

  async reconcile(key: string): Promise<ReconcileResult> {
    const object = this.#options.functions.get(key);
    if (!object || object.metadata.deletionTimestamp) return;
    try {
      const runtime = this.#runtime(object);
      const config = await this.#configDigest(object);
      await this.#account(object);
      const newest = await this.#newestRevision(object, runtime, config);
      const again = await this.#moveTraffic(object, newest);
      return again ?? (config !== undefined && this.#options.hasInstances(newest.metadata.uid ?? '') ? configAgain : undefined);
    } catch (error) {
      if (!(error instanceof NotReady)) throw error;
      await this.#writeStatus(object, { status: 'False', reason: error.reason, message: error.message });
      return error.again;
    }
  }

  /** The function's revisions, of this very object, the newest first. */
  ownRevisions(object: FunctionResource): RevisionResource[] {
    const { name, namespace } = object.metadata;
    const all = this.#options.revisions.byIndex('function', `${namespace}/${name}`).filter((each) => isOwnedBy(each, object));
    return all.sort((a, b) => revisionNumber(name, b.metadata.name) - revisionNumber(name, a.metadata.name));
  }

  #runtime({ spec }: FunctionResource): RuntimeResource {
    const name = spec.runtime ?? defaults.runtime;
    const runtime = this.#options.runtimes.get(name);
    const trouble = runtime && spec.image === undefined ? runtimeTrouble(runtime) : undefined;
    if (trouble !== undefined) throw new NotReady('RuntimeNotReady', trouble, missingAgain);
    if (runtime) return runtime;
    const others = this.#options.runtimes.list().map((each) => each.metadata.name);
    throw new NotReady(
      'RuntimeMissing',
      `Runtime "${name}" does not exist; there are: ${others.sort().join(', ') || 'none'}`,
      missingAgain,
    );
  }

  /** The revision of what the spec, its Secrets and its ConfigMaps say now; made if the newest is another. */
  async #newestRevision(object: FunctionResource, runtime: RuntimeResource, config: string | undefined): Promise<RevisionResource> {
    const hash = revisionHash(object.spec);
    const [newest] = this.ownRevisions(object);
    const isSame = (revision: RevisionResource): boolean =>
      revision.metadata.annotations?.[annotation.hash] === hash &&
      revision.metadata.annotations[annotation.config] === config &&
      !this.#isAskedAgain(object, revision);
    if (newest && isSame(newest)) return newest;

    const source = sourceHash(object, runtime);
    const sameSource = source !== undefined && newest?.metadata.annotations?.[annotation.source] === source;
    const packageId = sameSource ? newest.spec.source.package : await this.#package(object, runtime);
    const { name, namespace = '' } = object.metadata;
    const asked = deployedAt(object);
    // A function deleted a moment ago may still have revisions of this name.
    const taken = this.#options.revisions
      .byIndex('function', `${namespace}/${name}`)
      .map((each) => revisionNumber(name, each.metadata.name));
    const revision = makeRevision(object, runtime, packageId, Math.max(0, ...taken) + 1, {
      [annotation.hash]: hash,
      ...(source !== undefined && { [annotation.source]: source }),
      ...(config !== undefined && { [annotation.config]: config }),
      ...(asked !== undefined && { [annotation.deployedAt]: asked }),
    });
    try {
      const made = await this.#options.client.create<RevisionResource>(revisionResource, revision, { fieldManager });
      this.#options.revisions.observe(made);
      return made;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      // Made before a crash, and our cache does not show it yet: ours if it is the same, else the cache must catch up.
      const there = await this.#options.client.get<RevisionResource>(revisionResource, { namespace, name: revision.metadata.name });
      if (isOwnedBy(there, object) && isSame(there)) return there;
      throw new TsumugiError('Conflict', `revision ${revision.metadata.name} exists already`, { cause: error });
    }
  }

  /**
   * What failed may be mended without a change of the spec (a Secret's value, a quota): whoever deploys again has it tried, as a revision
   * of its own.
   */
  #isAskedAgain(object: FunctionResource, newest: RevisionResource): boolean {
    const hasFailed = conditionOf(newest, 'Ready')?.status === 'False' || this.#options.trials.hasFailed(newest.metadata.uid ?? '');
    return hasFailed && deployedAt(object) !== deployedAt(newest);
  }

  async #package(object: FunctionResource, runtime: RuntimeResource): Promise<string> {
    try {
      return await packageOf(this.#options.blobs, object, runtime);
    } catch (error) {
      if (!(error instanceof TsumugiError)) throw error;
      if (error.code === 'NotFound') throw new NotReady('PackageMissing', withHint(error), missingAgain);
      if (error.code === 'Invalid') throw new NotReady('BuildFailed', withHint(error));
      throw error;
    }
  }

  /**
   * What its instances will need must be there now, so that a typing error is told at deploy and not at the first call. Answers what
   * tells whether it is the same as before; undefined where it uses no Secret and no ConfigMap.
   */
  async #configDigest({ metadata, spec }: FunctionResource): Promise<string | undefined> {
    const { client, digest } = this.#options;
    const { namespace = '' } = metadata;
    try {
      const config = await resolveConfig(client, namespace, spec);
      await checkVolumes(client, namespace, spec);
      return usesConfig(spec) ? digest(stable(config)) : undefined;
    } catch (error) {
      if (error instanceof TsumugiError && error.code === 'NotFound')
        throw new NotReady(error.message.startsWith('Secret') ? 'SecretMissing' : 'ConfigMapMissing', withHint(error), missingAgain);
      if (error instanceof TsumugiError && error.code === 'Invalid') throw new NotReady('ConfigTooLarge', withHint(error), failedAgain);
      throw error;
    }
  }

  /** Whoever its code is; before there is a revision whose instances would ask for tokens. */
  async #account(object: FunctionResource): Promise<void> {
    const { permissions } = object.spec;
    try {
      if (permissions) await this.#options.accounts.ensure(object, permissions);
      else if (this.ownRevisions(object).some(({ spec }) => spec.permissions)) await this.#options.accounts.remove(object);
    } catch (error) {
      if (error instanceof TsumugiError && error.code === 'Conflict') throw new NotReady('AccountTaken', withHint(error), missingAgain);
      throw error;
    }
  }

  async #moveTraffic(object: FunctionResource, newest: RevisionResource): Promise<ReconcileResult> {
    const { hasInstances, trials } = this.#options;
    const current = this.ownRevisions(object).find((each) => each.metadata.name === object.status?.latestReadyRevision);
    const uid = newest.metadata.uid ?? '';
    // One that cannot be loaded either has no traffic worth keeping.
    const isMove =
      current !== undefined &&
      current.metadata.uid !== uid &&
      (hasInstances(current.metadata.uid ?? '') || conditionOf(current, 'Ready')?.status !== 'False');
    const verdict = conditionOf(newest, 'Ready');
    const isAsked = object.metadata.annotations?.[annotation.prove] === 'true' && verdict?.status !== 'True';
    const failure = verdict?.status === 'False' ? verdict : undefined;
    // What kept it from having pods (a quota, an image) may pass: it is tried again. The same code fails the same way.
    const isOver = failure?.reason === loadFailed;
    const mustProve =
      isAsked ||
      (failure && (!isOver || isMove)) ||
      (isMove && (hasInstances(current.metadata.uid ?? '') || (object.spec.scale?.min ?? 0) > 0));

    if (failure && isOver && !hasInstances(uid) && !isMove) {
      await this.#writeStatus(
        object,
        { status: 'False', reason: 'RevisionFailed', message: `revision ${newest.metadata.name} failed: ${failure.message}` },
        newest,
      );
      return;
    } else if (mustProve && !hasInstances(uid)) {
      const trial = trials.of(newest);
      const { name } = newest.metadata;
      // Without another to keep the traffic, callers wait for this one, and hear what is wrong with it.
      const traffic = isMove ? undefined : newest;
      if (trial.message === undefined) {
        await this.#writeStatus(object, { status: 'Unknown', reason: 'Deploying', message: `starting revision ${name}` }, traffic);
        return;
      }
      const kept = isMove ? `, ${current.metadata.name} keeps the traffic` : '';
      const message = `revision ${name} failed${kept}: ${trial.message}`;
      await this.#writeStatus(object, { status: 'False', reason: 'RevisionFailed', message }, traffic);
      return trial.state === 'failed' ? failedAgain : undefined;
    }
    await this.#writeStatus(
      object,
      { status: 'True', reason: 'Ready', message: `revision ${newest.metadata.name} gets the traffic` },
      newest,
    );
  }

  /** With a revision: it gets the traffic from now on. */
  async #writeStatus(object: FunctionResource, verdict: Verdict, traffic?: RevisionResource): Promise<void> {
    const { metadata, status } = object;
    const { observedDeployedAt, ...before } = status ?? {};
    const asked = deployedAt(object);
    const moves = traffic !== undefined && (traffic.metadata.name !== status?.latestReadyRevision || status.exports === undefined);
    const next: FunctionStatus = {
      ...before,
      ...(metadata.generation !== undefined && { observedGeneration: metadata.generation }),
      ...(asked !== undefined && { observedDeployedAt: asked }),
      conditions: setCondition(
        status?.conditions,
        { type: 'Ready', ...verdict, ...(metadata.generation !== undefined && { observedGeneration: metadata.generation }) },
        Date.now(),
      ),
      url: `${this.#options.gatewayUrl}${functionPath(metadata.namespace ?? '', metadata.name)}`,
      ...(moves && {
        latestReadyRevision: traffic.metadata.name,
        exports: await exportsOf(this.#options.blobs, traffic.spec.source.package),
      }),
    };
    if (
      next.conditions === status?.conditions &&
      next.url === status?.url &&
      next.observedGeneration === status?.observedGeneration &&
      asked === observedDeployedAt &&
      !moves
    )
      return;
    const written = await this.#options.client.update<FunctionResource>(
      functionResource,
      { ...object, status: next },
      { subresource: 'status', fieldManager },
    );
    this.#options.functions.observe(written);
  }
}

const deployedAt = ({ metadata }: KubeObject): string | undefined => metadata.annotations?.[annotation.deployedAt];

function withHint(error: TsumugiError): string {
  return error.hint ? `${error.message}; ${error.hint}` : error.message;
}

function makeRevision(
  object: FunctionResource,
  runtime: RuntimeResource,
  packageId: string,
  number: number,
  annotations: Record<string, string>,
): RevisionResource {
  const { spec, metadata } = object;
  return {
    apiVersion: 'tsumugi.dev/v1',
    kind: 'Revision',
    metadata: {
      name: revisionName(metadata.name, number),
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
      labels: { [label.function]: metadata.name },
      annotations,
      ownerReferences: [ownedBy(object)],
    },
    spec: {
      function: metadata.name,
      source: { package: packageId },
      runtime: runtime.metadata.name,
      handler: spec.handler ?? defaults.handler,
      ...(spec.env && { env: spec.env }),
      ...(spec.secrets && { secrets: spec.secrets }),
      ...(spec.configMaps && { configMaps: spec.configMaps }),
      ...ownPodFields(spec),
      ...(spec.permissions && { permissions: spec.permissions }),
      timeoutSeconds: spec.timeoutSeconds ?? defaults.timeoutSeconds,
      ...(spec.reuse === 'never'
        ? { reuse: spec.reuse, concurrency: 1 }
        : { concurrency: spec.concurrency ?? runtime.spec.concurrency ?? defaults.concurrency }),
    },
  };
}
