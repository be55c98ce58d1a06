/** What the records say that runs in pods of their own are to do: the `spec` of runners and guests. */
import type { EnvVar, ResourceRequirements } from '../../resources/builtin/pod-types.ts';
import type { KubeObject } from '../../resources/object.ts';

/** What a runner has beside what its function has. */
export interface RunnerSettings {
  readonly env?: readonly EnvVar[];
  /** Names of Secrets and of ConfigMaps. */
  readonly secrets?: readonly string[];
  readonly configMaps?: readonly string[];
  readonly resources?: Pick<ResourceRequirements, 'limits' | 'requests'>;
}

/** How long a run may wait and go on. */
export interface RunLimits {
  /** From its start on; absent: as long as it likes. */
  readonly timeoutSeconds?: number;
  /** Until its turn comes; absent: as long as it takes. */
  readonly queueTimeoutSeconds?: number;
}

/** One call of a function. */
export interface RunnerSpec extends RunLimits {
  readonly function: string;
  readonly export: string;
  /** null where it is sensitive: those are in the Secret of the run's name, by their position. */
  readonly args: readonly unknown[];
  readonly sensitive: readonly number[];
  readonly settings: RunnerSettings;
}

/** How a runner's call ended: the `result` of its run. */
export interface RunnerResult {
  readonly value?: unknown;
  readonly error?: { readonly name: string; readonly message: string; readonly stack: string };
}

/** Objects that somebody brings along. */
export interface GuestSpec extends RunLimits {
  /** The RemoteCluster of the run's namespace in which they are made; absent: the platform's own cluster. */
  readonly cluster?: string;
  /** In the order in which they are made. Of a Secret only its name: the rest is in the Secret of the run's name, under it. */
  readonly objects: readonly KubeObject[];
}
