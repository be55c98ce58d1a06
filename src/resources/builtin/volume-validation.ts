/** What the real server says of a pod's volumes. */
import { duplicate, forbidden, invalid, notSupported, required } from '../field-errors.ts';
import type { FieldError } from '../kind.ts';
import { dnsLabel } from '../names.ts';
import { parseQuantity } from '../quantity.ts';
import type { Volume } from './pod-types.ts';

const hostPathTypes = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'];

const noWayUp = (field: string, path: string | undefined): FieldError[] =>
  path?.split('/').includes('..') ? [invalid(field, path, "must not contain '..'")] : [];

/** `before`: those that stand in front of it. */
export function volumeErrors(volume: Volume, at: string, before: readonly Volume[]): FieldError[] {
  const { name, ...sources } = volume;
  const errors = name ? dnsLabel(name).map((each) => invalid(`${at}.name`, name, each)) : [];
  if (name && before.some((each) => each.name === name)) errors.push(duplicate(`${at}.name`, name));
  const given = Object.keys(sources);
  errors.push(...given.slice(1).map((each) => forbidden(`${at}.${each}`, 'may not specify more than 1 volume type')));
  if (volume.secret && !volume.secret.secretName) errors.push(required(`${at}.secret.secretName`));
  if (given[0] === 'configMap' && !volume.configMap?.name) errors.push(required(`${at}.configMap.name`));
  const type = volume.hostPath?.type;
  if (type && !hostPathTypes.includes(type)) errors.push(notSupported(`${at}.hostPath.type`, type, hostPathTypes));
  errors.push(...noWayUp(`${at}.hostPath.path`, volume.hostPath?.path));
  if ((parseQuantity(volume.emptyDir?.sizeLimit ?? 0) ?? 0) < 0)
    errors.push(forbidden(`${at}.emptyDir.sizeLimit`, 'SizeLimit field must be a valid resource quantity'));
  for (const source of ['secret', 'configMap', 'downwardAPI', 'projected'] as const) errors.push(...filesErrors(volume, source, at));
  return errors;
}

function filesErrors(volume: Volume, source: 'secret' | 'configMap' | 'downwardAPI' | 'projected', at: string): FieldError[] {
  const { defaultMode, items = [] } = (volume[source] ?? {}) as {
    defaultMode?: number;
    items?: readonly { readonly path?: string; readonly mode?: number }[];
  };
  const field = `${at}.${source}`;
  const modeErrors = (place: string, mode: number | undefined): FieldError[] =>
    mode !== undefined && (mode < 0 || mode > 0o777)
      ? [invalid(place, mode, 'must be a number between 0 and 0777 (octal), both inclusive')]
      : [];
  return [
    ...modeErrors(`${field}.defaultMode`, defaultMode),
    ...items.flatMap(({ path, mode }, index) => {
      const place = `${field}.items[${index}]`;
      const absolute = path?.startsWith('/') ? [invalid(`${place}.path`, path, 'must be a relative path')] : [];
      return [...absolute, ...noWayUp(`${place}.path`, path), ...modeErrors(`${place}.mode`, mode)];
    }),
  ];
}
