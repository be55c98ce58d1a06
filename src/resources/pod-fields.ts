/** What a function says of its pods: image, resources, service account, volumes. Shapes and names are those of a Kubernetes PodSpec. */
import { z } from 'zod';
import { exactlyOne } from './custom.ts';
import type { CrossFieldRule } from './kind.ts';
import { type Immutable, listByKey, objectName, quantity } from './schema.ts';

export const image = z.string().min(1).max(1024);

const amounts = z.strictObject({
  memory: quantity.optional().describe('Memory of one pod, as `256Mi`.'),
  cpu: quantity.optional().describe('Processor time of one pod, as `500m`.'),
});

export const podResources = z.strictObject({
  limits: amounts.optional().describe('What a pod may use.'),
  requests: amounts.optional().describe('What is kept free for a pod on its node; the embedded node has no use for it.'),
});

/** Short, so that what CEL may cost stays within the API server's budget. */
const path = z.string().min(1).max(253);
const optional = z.boolean().optional().describe('Start also when the object, or the key, does not exist.');
const items = z
  .array(
    z.strictObject({ key: z.string().min(1).max(253).describe('Which key.'), path: path.describe('The file, relative to the mount.') }),
  )
  .max(64)
  .optional()
  .describe('Which keys become which files. Default: each key a file of its name.');

const volume = z.strictObject({
  name: z
    .string()
    .max(63)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
    .describe('Name that mounts refer to.'),
  configMap: z
    .strictObject({ name: objectName.describe('Name of a ConfigMap in the same namespace.'), items, optional })
    .optional()
    .describe('The keys of a ConfigMap as files.'),
  secret: z
    .strictObject({ secretName: objectName.describe('Name of a Secret in the same namespace.'), items, optional })
    .optional()
    .describe('The keys of a Secret as files.'),
  emptyDir: z
    .strictObject({
      medium: z.enum(['', 'Memory']).optional().describe('`Memory`: kept in memory, and counted as such.'),
      sizeLimit: quantity.optional().describe('How much it may hold.'),
    })
    .optional()
    .describe("An empty folder of each pod's own."),
  persistentVolumeClaim: z
    .strictObject({
      claimName: objectName.describe('Name of a PersistentVolumeClaim in the same namespace.'),
      readOnly: z.boolean().optional().describe('Nobody may write.'),
    })
    .optional()
    .describe('Storage that outlives pods.'),
});

const volumeMount = z.strictObject({
  name: z.string().min(1).max(63).describe('Which of `volumes`.'),
  mountPath: path.describe('Where the function finds it: an absolute path.'),
  subPath: path.optional().describe('The part of the volume that is mounted. Default: all of it.'),
  readOnly: z.boolean().optional().describe('The function may not write.'),
});

export const imagePullSecrets = listByKey(
  z.strictObject({ name: objectName.describe("Name of a Secret in the pod's namespace.") }),
  'name',
  16,
);

export const podFields = {
  image: image.optional().describe("The image of its pods, which must hold the runtime's program. Default: the runtime's."),
  imagePullSecrets: imagePullSecrets.optional().describe("Secrets to pull its image with, besides the runtime's and the installation's."),
  resources: podResources.optional().describe("Resources of each of its pods. What is absent is the runtime's."),
  serviceAccountName: objectName.optional().describe('The ServiceAccount that its pods run as, with its token. Default: none.'),
  volumes: listByKey(volume, 'name', 32).optional().describe('Volumes of its pods.'),
  volumeMounts: listByKey(volumeMount, 'mountPath', 32).optional().describe('Where the volumes are found.'),
};

/** These fields of a Function or of a Revision. */
export type PodFields = Immutable<z.input<z.ZodObject<typeof podFields>>>;

/** A part of a path: neither empty nor `.` nor `..`. */
const part = '([^/:.][^/:]*|[.][^/:.][^/:]*|[.][.][^/:]+)';
const relative = `^${part}(/${part})*$`;
const absolute = `^(/${part})+$`;
const taken = ['/work', '/tmp', '/tsumugi', '/secrets', '/configs'];

const matching = (path: string, pattern: string, message: string): CrossFieldRule => {
  const compiled = new RegExp(pattern);
  return { path, cel: `self.matches('${pattern}')`, check: (value: string) => compiled.test(value), message };
};
const relativePath = (path: string): CrossFieldRule => matching(path, relative, "must be a relative path without '.', '..' and ':'");

export const podRules: readonly CrossFieldRule[] = [
  exactlyOne('spec.volumes[]', ['configMap', 'secret', 'emptyDir', 'persistentVolumeClaim']),
  {
    path: 'spec.volumes[].name',
    cel: "!self.startsWith('tsumugi-')",
    check: (name: string) => !name.startsWith('tsumugi-'),
    message: "names that begin with 'tsumugi-' are the platform's own",
  },
  relativePath('spec.volumes[].configMap.items[].path'),
  relativePath('spec.volumes[].secret.items[].path'),
  matching('spec.volumeMounts[].mountPath', absolute, "must be an absolute path below '/', without '.', '..', ':' and a slash at its end"),
  {
    path: 'spec.volumeMounts[].mountPath',
    cel: `!(self in [${taken.map((each) => `'${each}'`).join(', ')}]) && !self.startsWith('/tsumugi/')`,
    check: (value: string) => !taken.includes(value) && !value.startsWith('/tsumugi/'),
    message: "'/work', '/tmp', '/secrets', '/configs' and '/tsumugi' are the platform's own",
  },
  relativePath('spec.volumeMounts[].subPath'),
  {
    path: 'spec',
    cel: '!has(self.volumeMounts) || self.volumeMounts.all(mount, has(self.volumes) && self.volumes.exists(volume, volume.name == mount.name))',
    check: ({ volumes = [], volumeMounts = [] }: { volumes?: readonly { name: string }[]; volumeMounts?: readonly { name: string }[] }) =>
      volumeMounts.every((mount) => volumes.some(({ name }) => name === mount.name)),
    message: 'each of `volumeMounts` must name one of `volumes`',
  },
];
