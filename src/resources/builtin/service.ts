import { computed, computedAge, moment, nameColumn } from '../cells.ts';
import type { KubeObject } from '../object.ts';
import { services } from '../resources.ts';
import { defineBuiltin } from './define.ts';

interface Service extends KubeObject {
  readonly spec?: {
    readonly type?: string;
    readonly clusterIP?: string;
    readonly externalIPs?: readonly string[];
    readonly ports?: readonly { readonly port: number; readonly protocol?: string }[];
  };
}

/**
 * Only to be asked for, and there are none: on one machine nothing stands between a client and the gateway. `kubectl cluster-info`
 * and `get all` look for them.
 */
export const serviceKind = defineBuiltin<Service>(services, {
  singular: 'service',
  shortNames: ['svc'],
  categories: ['all'],
  verbs: ['get', 'list', 'watch'],
  columns: [
    nameColumn,
    computed('Type', 'How it is reached.'),
    computed('Cluster-IP', 'Its address in the cluster.'),
    computed('External-IP', 'Its addresses outside of it.'),
    computed('Port(s)', 'Its ports.'),
    computedAge,
  ],
  cells: ({ metadata, spec }) => [
    metadata.name,
    spec?.type ?? 'ClusterIP',
    spec?.clusterIP ?? '<none>',
    spec?.externalIPs?.join(',') || '<none>',
    spec?.ports?.map(({ port, protocol = 'TCP' }) => `${port}/${protocol}`).join(',') || '<none>',
    moment(metadata.creationTimestamp),
  ],
});
