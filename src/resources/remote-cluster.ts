/** RemoteCluster: another cluster, by the kubeconfig in a Secret. */
import { z } from 'zod';
import { defineCustom, readyColumns, shortNameRule } from './custom.ts';
import type { KubeObject } from './object.ts';
import { remoteClusters } from './resources.ts';
import type { Immutable } from './schema.ts';
import { statusFields } from './status-fields.ts';

const spec = z.strictObject({
  secretRef: z
    .strictObject({
      name: z.string().min(1).max(253).describe('A Secret of the same namespace.'),
      key: z.string().min(1).max(253).default('kubeconfig').describe('The key of the kubeconfig.'),
    })
    .describe('Where its kubeconfig is: one that needs no other file and no program.'),
  context: z.string().min(1).max(1024).optional().describe("The context to use. Default: the kubeconfig's current one."),
});

const status = z.strictObject({
  ...statusFields,
  server: z.string().max(2048).optional().describe('URL of its API server.'),
  version: z.string().max(256).optional().describe('Version of its API server, as it said last.'),
});

type RemoteClusterSpec = Immutable<z.output<typeof spec>>;
type RemoteClusterStatus = Immutable<z.output<typeof status>>;

export interface RemoteClusterResource extends KubeObject {
  readonly spec: RemoteClusterSpec;
  readonly status?: RemoteClusterStatus;
}

export const remoteClusterKind = defineCustom<RemoteClusterResource>(remoteClusters, {
  singular: 'remotecluster',
  description: 'Another cluster, which programs reach by its name.',
  spec,
  status,
  columns: [
    { name: 'Server', type: 'string', jsonPath: '.status.server', description: 'URL of its API server.' },
    { name: 'Version', type: 'string', jsonPath: '.status.version', description: 'Version of its API server.' },
    ...readyColumns,
  ],
  rules: [shortNameRule],
});
