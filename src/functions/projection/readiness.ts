/** What `/readyz` waits for: the functions of `up DIR`, and the tokens that may call. */
import type { Informer } from '../../kube/informer.ts';
import { isReady } from '../../resources/conditions.ts';
import type { FunctionResource } from '../../resources/function.ts';
import type { ProjectionFeed } from './feed.ts';

export class Readiness {
  readonly #feed: ProjectionFeed;
  readonly #functions: Informer<FunctionResource>;
  readonly #tokenHashes: readonly string[];
  #names: readonly string[] = [];
  /** All of `#names` have been Ready at one time: what fails afterwards is that function's, and no reason to take the platform away. */
  #wasReady = false;
  readonly #stop: () => void;

  constructor(feed: ProjectionFeed, functions: Informer<FunctionResource>, tokenHashes: readonly string[]) {
    this.#feed = feed;
    this.#functions = functions;
    this.#tokenHashes = tokenHashes;
    this.#stop = functions.on(() => this.#tell());
    this.#tell();
  }

  /** Each `namespace/name`; replaces what was waited for before. */
  waitFor(names: readonly string[]): void {
    this.#names = names;
    this.#wasReady = false;
    this.#tell();
  }

  stop(): void {
    this.#stop();
  }

  #tell(): void {
    const waitingFor = this.#wasReady ? [] : this.#names.filter((name) => !this.#isReady(name));
    this.#wasReady = waitingFor.length === 0;
    this.#feed.put('platform', { kind: 'platform', tokenHashes: this.#tokenHashes, ready: waitingFor.length === 0, waitingFor });
  }

  #isReady(name: string): boolean {
    const object = this.#functions.get(name);
    return object !== undefined && isReady(object);
  }
}
