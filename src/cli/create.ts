import { TsumugiError } from '../base/errors.ts';
import { isAlreadyExists, type KubeObject, type Resource } from '../resources/object.ts';
import { connect, type PlatformFlags } from './platform.ts';

/** Creates one object of ours and says so. One that exists is left as it is: an error that says how to change it. */
export async function createObject(
  flags: PlatformFlags,
  resource: Resource,
  name: string,
  spec: object,
  labels?: Readonly<Record<string, string>>,
): Promise<void> {
  const platform = await connect(flags);
  const metadata = { name, ...(resource.namespaced ? { namespace: platform.namespace } : {}), ...(labels && { labels }) };
  const object: KubeObject & { spec: object } = {
    apiVersion: `${resource.group}/${resource.version}`,
    kind: resource.kind,
    metadata,
    spec,
  };
  try {
    await platform.kube.create(resource, object, { fieldManager: 'tsumugi', fieldValidation: 'Strict' });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    throw new TsumugiError('Conflict', `${resource.kind} "${name}" exists already`, {
      hint: `change it with \`tsumugi apply -f FILE\` or delete it with \`tsumugi delete ${resource.plural} ${name}\``,
      cause: error,
    });
  }
  process.stdout.write(`${resource.kind.toLowerCase()}.${resource.group}/${name} created\n`);
}
