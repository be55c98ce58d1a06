/** The objects that this part reads and writes, as far as it looks at them. */
import type { Condition, KubeObject } from '../../resources/object.ts';

export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly secretKeyRef?: KeyReference;
    readonly configMapKeyRef?: KeyReference;
  };
}

export interface KeyReference {
  readonly name: string;
  readonly key: string;
  readonly optional?: boolean;
}

export interface FunctionObject extends KubeObject {
  readonly spec: {
    readonly source: { readonly inline?: string; readonly package?: string };
    readonly runtime?: string;
    readonly handler?: string;
    readonly env?: readonly EnvVar[];
    readonly secrets?: readonly string[];
    readonly configMaps?: readonly string[];
    readonly timeoutSeconds?: number;
    readonly concurrency?: number;
    readonly scale?: { readonly min?: number; readonly max?: number; readonly idleTimeoutSeconds?: number };
  };
  readonly status?: FunctionStatus;
}

export interface FunctionStatus {
  readonly conditions?: readonly Condition[];
  readonly observedGeneration?: number;
  readonly url?: string;
  /** Gets the traffic. */
  readonly latestReadyRevision?: string;
  readonly exports?: readonly string[];
}

export interface RevisionSpec {
  readonly function: string;
  readonly source: { readonly package: string };
  readonly runtime: string;
  readonly handler: string;
  readonly env?: readonly EnvVar[];
  readonly secrets?: readonly string[];
  readonly configMaps?: readonly string[];
  readonly timeoutSeconds: number;
  readonly concurrency: number;
}

export interface RevisionObject extends KubeObject {
  readonly spec: RevisionSpec;
  readonly status?: { readonly conditions?: readonly Condition[]; readonly observedGeneration?: number };
}

export interface RuntimeObject extends KubeObject {
  readonly spec: {
    readonly image: string;
    readonly poolSize?: number;
    readonly idleTimeoutSeconds?: number;
    readonly concurrency?: number;
    readonly resources?: { readonly limits?: Readonly<Record<string, string>>; readonly requests?: Readonly<Record<string, string>> };
  };
  readonly status?: { readonly conditions?: readonly Condition[]; readonly observedGeneration?: number };
}

export interface RouteObject extends KubeObject {
  readonly spec: {
    readonly match?: {
      readonly hosts?: readonly string[];
      readonly path?: string;
      readonly prefix?: string;
      readonly methods?: readonly string[];
    };
    readonly backend: { readonly function?: string };
  };
  readonly status?: { readonly conditions?: readonly Condition[]; readonly observedGeneration?: number };
}

export interface PodObject extends KubeObject {
  readonly spec: {
    readonly restartPolicy?: string;
    readonly containers: readonly {
      readonly name: string;
      readonly image: string;
      readonly resources?: { readonly limits?: Readonly<Record<string, string>>; readonly requests?: Readonly<Record<string, string>> };
    }[];
    readonly [field: string]: unknown;
  };
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly startTime?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly ready?: boolean;
      readonly state?: {
        readonly terminated?: { readonly exitCode?: number; readonly reason?: string; readonly message?: string };
        readonly waiting?: { readonly reason?: string; readonly message?: string };
      };
    }[];
  };
}

/** v1 Secret and ConfigMap. */
export interface DataObject extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}
