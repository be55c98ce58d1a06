import type { Specialize, Specialized, Welcome } from '../../wire/protocol.ts';
import { VERSION } from '../../wire/protocol.ts';
import { generatePodKey, importVerifyKey, openDrain, openHello, openSpecialize, openTokens, SealError } from '../../wire/seal.ts';
import { writeConfigFiles } from './config-files.ts';
import { setEnvironment } from './environment.ts';
import { describe, loadFunction } from './handler.ts';
import { PodIdentity } from './identity.ts';
import { type LoadedFunction, LoadError } from './loaded.ts';
import { SingleRun } from './single-run.ts';
import { writeLog } from './console.ts';

/** Which pod this is, and whom it obeys. */
export interface Assignment {
  /** uid */
  readonly pod: string;
  /** `unix:/path` or `tcp:host:port` */
  readonly listen: string;
  /** The platform's Ed25519 key, base64url of the raw 32 bytes. */
  readonly publicKey: string;
}

/** The pod's own state: its claim, how many invocations run, how long it has been idle. The authority on all three. */
export class Instance {
  readonly pod: string;
  claim: Specialize | undefined;
  /** Set once the claim's code is loaded; never for a run, which answers nobody. */
  loaded: LoadedFunction | undefined;
  /** What this pod is for, if it makes one call alone. */
  run: SingleRun | undefined;
  /** Who its code is, where the function declares permissions. */
  identity: PodIdentity | undefined;
  draining = false;
  active = 0;
  served = 0;
  /** Called when something that STATS or a drain looks at has changed. */
  onChange: () => void = () => {};
  /** Called when the one request that it was made for is over. */
  onSpent: () => void = () => {};
  #idleSince = performance.now();
  #loading: Promise<Specialized> | undefined;
  /** The claim's code cannot be loaded: this pod is of no use to anybody. */
  failed = false;
  readonly #watchers = new Set<() => void>();
  readonly #key = generatePodKey();
  readonly #verifyKey;

  constructor(assignment: Assignment) {
    this.pod = assignment.pod;
    this.#verifyKey = importVerifyKey(assignment.publicKey);
  }

  welcome(): Welcome {
    const { claim, pod } = this;
    return {
      version: VERSION,
      pod,
      key: this.#key.publicKey,
      loaded: this.loaded !== undefined,
      draining: this.draining || this.failed,
      ...(claim ? { claim: { revisionUid: claim.revisionUid, epoch: claim.epoch } } : {}),
      ...(this.run?.outcome && { outcome: this.run.outcome }),
    };
  }

  stats(): { active: number; served: number; idleMs: number } {
    return { active: this.active, served: this.served, idleMs: this.idleMs };
  }

  get idleMs(): number {
    return this.active > 0 ? 0 : Math.round(performance.now() - this.#idleSince);
  }

  /** Whether an activator's HELLO is the platform's, for this pod. */
  isPlatforms(signature: string): boolean {
    try {
      openHello(signature, this.pod, this.#verifyKey);
      return true;
    } catch (error) {
      if (error instanceof SealError) return false;
      throw error;
    }
  }

  /** Calls back when the claim is taken, and when its code is there or cannot be; in the order of asking. Answers how to stop. */
  watch(look: () => void): () => void {
    this.#watchers.add(look);
    return () => this.#watchers.delete(look);
  }

  /** Takes one invocation if there is room. Every true needs one `finished`. */
  start(): boolean {
    const { once, concurrency } = this.claim ?? {};
    if (this.draining || !this.loaded || this.active >= concurrency! || (once && this.served > 0)) return false;
    this.active++;
    this.onChange();
    return true;
  }

  finished(): void {
    this.active--;
    this.served++;
    if (this.active === 0) this.#idleSince = performance.now();
    if (this.claim?.once) this.onSpent();
    this.onChange();
  }

  /** A caller does not wait any longer: what was made for that request alone has no more use, whenever the handler ends. */
  abandoned(): void {
    if (this.claim?.once) this.onSpent();
  }

  /** The first valid claim wins; the same one again gets the same answer. */
  async specialize(payload: Uint8Array): Promise<Specialized> {
    let opened: { head: Specialize; package: Buffer };
    try {
      opened = openSpecialize(payload, this.pod, { publicKey: this.#key.publicKey, privateKey: this.#key.privateKey }, this.#verifyKey);
    } catch (error) {
      return { ok: false, error: { reason: 'refused', message: (error as Error).message } };
    }
    const { head } = opened;
    if (this.claim && (this.claim.revisionUid !== head.revisionUid || this.claim.epoch !== head.epoch)) {
      return { ok: false, error: { reason: 'claimed', message: `this pod belongs to ${this.claim.revision} (epoch ${this.claim.epoch})` } };
    }
    if (!this.claim && this.draining) return { ok: false, error: { reason: 'claimed', message: 'this pod is stopping' } };
    if (!this.claim) {
      this.claim = head;
      this.#tell();
    }
    this.#loading ??= this.#load(head, opened.package).finally(() => this.#tell());
    return this.#loading;
  }

  #tell(): void {
    for (const look of this.#watchers) look();
  }

  async #load(head: Specialize, packageTar: Buffer): Promise<Specialized> {
    setEnvironment(head);
    if (head.identity) this.identity = new PodIdentity(head, head.identity);
    if (head.run) this.run = new SingleRun(head, head.run, this.identity);
    try {
      writeConfigFiles(head);
      const loaded = await loadFunction(packageTar, process.cwd(), head.handler);
      if (this.run) return this.#begin(this.run, loaded);
      this.loaded = loaded;
    } catch (error) {
      if (this.run) return this.#begin(this.run, undefined, error);
      const { message, stack } = error instanceof LoadError ? error : new LoadError(describe(error));
      writeLog(`${head.function} cannot be loaded: ${stack ?? message}`, undefined);
      this.failed = true;
      return { ok: false, error: { reason: 'load', message, stack: stack ?? message } };
    }
    this.#idleSince = performance.now();
    return { ok: true, exports: this.loaded.exports };
  }

  /** The run counts as an invocation: a drain waits for it. Its call begins when the claim is answered and the maps of its source are there. */
  #begin(run: SingleRun, loaded: LoadedFunction | undefined, thrown?: unknown): Specialized {
    this.active++;
    setImmediate(async () => {
      await (loaded ? run.call(loaded) : run.fail(thrown));
      this.active--;
      this.#tell();
      this.onChange();
    });
    return { ok: true, exports: loaded?.exports ?? [] };
  }

  /** New tokens for the code. Throws SealError when they are not the platform's. */
  renew(payload: Uint8Array): void {
    this.identity?.renew(openTokens(payload, this.pod, this.#key, this.#verifyKey));
  }

  /** Whether it stops now. Throws SealError when the platform did not ask for it. */
  drain(payload: Uint8Array): boolean {
    const idleMs = openDrain(payload, this.pod, this.#verifyKey);
    return idleMs === 0 || (this.active === 0 && this.idleMs >= idleMs);
  }
}
