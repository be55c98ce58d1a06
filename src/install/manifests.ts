/** All that the platform is on a cluster, in the order in which it is put there. `tsumugi install` and the Helm chart say the same. */
import { crdOf } from '../resources/crd.ts';
import { kinds } from '../resources/kinds.ts';
import { disruptionBudgets, networkPolicies, services } from './network.ts';
import { type Manifest, manifest } from './parts.ts';
import { accounts, controllerAccess, userAccess } from './rbac.ts';
import type { InstallSettings } from './settings.ts';
import { controller, gateway } from './workloads.ts';

/** The kinds' definitions. */
export function definitions(): readonly Manifest[] {
  return kinds.filter(({ origin }) => origin === 'custom').map((kind) => crdOf(kind) as unknown as Manifest);
}

/** The system namespace. No pod in it may do more than the restricted Pod Security Standard allows. */
export function systemNamespace(name: string): Manifest {
  const labels = Object.fromEntries(
    ['enforce', 'audit', 'warn'].flatMap((mode) => [
      [`pod-security.kubernetes.io/${mode}`, 'restricted'],
      [`pod-security.kubernetes.io/${mode}-version`, 'latest'],
    ]),
  );
  return manifest('v1', 'Namespace', 'namespace', { name, labels }, {});
}

export function manifests(settings: InstallSettings): readonly Manifest[] {
  const { namespace } = settings;
  return [
    ...definitions(),
    systemNamespace(namespace),
    ...accounts(namespace),
    ...controllerAccess(namespace),
    ...userAccess(namespace),
    ...networkPolicies(namespace),
    ...services(settings),
    ...disruptionBudgets(namespace),
    controller(settings),
    gateway(settings),
  ];
}
