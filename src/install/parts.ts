/** What the manifests share: names, labels, ports, and the shape of a pod that any namespace admits. */
import { componentLabel, ownLabels } from '../functions/model/network-policy.ts';
import { partOf, serviceNames, userRole, userTokenSecret } from '../resources/installation.ts';
import type { KubeObject } from '../resources/object.ts';

/** Any object: what follows `metadata` depends on its kind. */
export type Manifest = KubeObject & Readonly<Record<string, unknown>>;

/** What an object belongs to; the table of `tsumugi install` has a row for each. */
export type Component = 'kinds' | 'namespace' | 'access' | 'controller' | 'gateway';

export const names = {
  controller: 'tsumugi-controller',
  /** For the command line, through the API server's proxy. */
  ...serviceNames,
  /** Headless: each controller has an address. */
  controllers: 'tsumugi-controllers',
  /** Roles of those who use the platform. */
  user: userRole,
  view: 'tsumugi-view',
  lease: 'tsumugi-controller',
} as const;

/** Secrets that the controller makes at its first start. */
export const secretNames = { platform: 'tsumugi-platform', gateway: 'tsumugi-gateway', cli: userTokenSecret } as const;

export const ports = { http: 8080, platform: 6441, metrics: 9464 } as const;

export const labelsOf = (component: Component): Readonly<Record<string, string>> => ({
  ...ownLabels,
  [componentLabel]: component,
});

/** What a selector asks for: fixed, since a Deployment's selector cannot change. */
export const selectorOf = (component: Component): Readonly<Record<string, string>> => ({ ...partOf, [componentLabel]: component });

/** An object with our labels. */
export function manifest(
  apiVersion: string,
  kind: string,
  component: Component,
  metadata: { readonly name: string; readonly namespace?: string; readonly labels?: object; readonly annotations?: object },
  body: Readonly<Record<string, unknown>>,
): Manifest {
  const { namespace, name, labels, annotations } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      labels: { ...labelsOf(component), ...labels },
      ...(annotations && { annotations: { ...annotations } }),
    },
    ...body,
  };
}

/** The component of an object; the definitions of kinds belong to none. */
export const partName = ({ metadata }: KubeObject): string => metadata.labels?.[componentLabel] ?? 'kinds';

/** Selects what the platform made for itself. */
export const ownSelector = Object.entries(ownLabels)
  .map(([key, value]) => `${key}=${value}`)
  .join(',');
