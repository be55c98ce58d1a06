/** The NetworkPolicy of a namespace with functions: their pods are reached by the platform alone. */
import { partOf } from '../../resources/installation.ts';
import type { KubeObject } from '../../resources/object.ts';
import { label } from './names.ts';

/** Where a function pod listens for frames. */
export const framePort = 8700;

export interface NetworkPolicy extends KubeObject {
  readonly spec: object;
}

/** Of all that the platform makes for itself. */
export const ownLabels = { ...partOf, 'app.kubernetes.io/name': 'tsumugi' } as const;
export const componentLabel = 'app.kubernetes.io/component';

/**
 * Pods in which functions run accept frames from controllers and gateways of the system namespace and nothing else. What they send is
 * not limited: functions call whom they like. Two, since a policy selects by labels that a pod has all of: pods of pools, specialised or
 * not, and those of runners.
 */
export function functionNetworkPolicies(namespace: string, systemNamespace: string): readonly NetworkPolicy[] {
  const policy = (name: string, having: string): NetworkPolicy => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { namespace, name, labels: { ...ownLabels, [componentLabel]: 'functions' } },
    spec: {
      podSelector: { matchExpressions: [{ key: having, operator: 'Exists' }] },
      policyTypes: ['Ingress'],
      ingress: [
        {
          from: [
            {
              namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': systemNamespace } },
              podSelector: {
                matchLabels: partOf,
                matchExpressions: [{ key: componentLabel, operator: 'In', values: ['controller', 'gateway'] }],
              },
            },
          ],
          ports: [{ protocol: 'TCP', port: framePort }],
        },
      ],
    },
  });
  return [policy('tsumugi-functions', label.runtime), policy('tsumugi-runners', label.function)];
}
