import { renameSync, writeFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { kubeconfigPath } from '../client/data-folder.ts';
import { platformFile } from './folders.ts';
import type { RoleSettings } from './settings.ts';

/** Keeps the cluster's kubeconfig in the data folder (0600), with an extension that says where gateway and platform API are. */
export function writeKubeconfig(settings: RoleSettings, text: string): void {
  const config = parse(text) as { clusters: { cluster: object }[] };
  const { gateway, platform } = platformFile(settings);
  const extensions = [{ name: 'tsumugi.dev', extension: { gateway, platform } }];
  const clusters = config.clusters.map((entry) => ({ ...entry, cluster: { ...entry.cluster, extensions } }));
  const path = kubeconfigPath(settings.data);
  writeFileSync(`${path}.new`, stringify({ ...config, clusters }, { lineWidth: 0 }), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
