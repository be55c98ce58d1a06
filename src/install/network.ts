/** How the platform is reached: Services, what may speak to its pods, and that never all of them go at once. */
import { type Component, type Manifest, manifest, names, ports, selectorOf } from './parts.ts';
import type { InstallSettings } from './settings.ts';

export function services({ namespace, serviceType }: InstallSettings): readonly Manifest[] {
  const service = (component: 'controller' | 'gateway', name: string, spec: object): Manifest =>
    manifest('v1', 'Service', component, { name, namespace }, { spec: { selector: selectorOf(component), ...spec } });
  return [
    service('gateway', names.gateway, { type: serviceType, ports: [port('http', 80, 'http')] }),
    service('controller', names.api, { type: 'ClusterIP', ports: [port('https', 443, 'https')] }),
    service('controller', names.controllers, { type: 'ClusterIP', clusterIP: 'None', ports: [port('https', ports.platform, 'https')] }),
  ];
}

function port(name: string, number: number, targetPort: string): object {
  return { name, port: number, protocol: 'TCP', targetPort };
}

/** One may be away at a time, also where there is only one: a node can always be emptied. */
export function disruptionBudgets(namespace: string): readonly Manifest[] {
  const budget = (component: 'controller' | 'gateway', name: string): Manifest => {
    const spec = { maxUnavailable: 1, selector: { matchLabels: selectorOf(component) } };
    return manifest('policy/v1', 'PodDisruptionBudget', component, { name, namespace }, { spec });
  };
  return [budget('controller', names.controller), budget('gateway', names.gateway)];
}

/**
 * Only the ports that are meant to be reached. The platform port is open to all sources, since no selector can name the API server's
 * proxy, by which the command line comes; it asks for TLS and a token. Metrics are for pods of the cluster.
 */
export function networkPolicies(namespace: string): readonly Manifest[] {
  const policy = (component: Component, name: string, open: number): Manifest =>
    manifest(
      'networking.k8s.io/v1',
      'NetworkPolicy',
      component,
      { name, namespace },
      {
        spec: {
          podSelector: { matchLabels: selectorOf(component) },
          policyTypes: ['Ingress'],
          ingress: [
            { ports: [{ protocol: 'TCP', port: open }] },
            { from: [{ namespaceSelector: {} }], ports: [{ protocol: 'TCP', port: ports.metrics }] },
          ],
        },
      },
    );
  return [policy('controller', names.controller, ports.platform), policy('gateway', names.gateway, ports.http)];
}
