import type { Command } from 'commander';
import { TsumugiError } from '../../base/errors.ts';
import type { RegistryCredentials } from '../../install/images/credentials.ts';
import type { Image } from '../../install/images/oci.ts';

interface BuildFlags {
  readonly import?: boolean;
  readonly push?: string;
  readonly output?: string;
  readonly registrySecret?: string;
  readonly insecure?: boolean;
  readonly format: string;
  readonly namespace?: string;
  readonly context?: string;
  readonly kubeconfig?: string;
}

const formats = ['table', 'json'];

/** `tsumugi images build`: the container images of this install. */
export function register(program: Command): void {
  const noun = program.command('images').description('build the container images of this install');
  noun
    .command('build')
    .description('build images from the files of this machine, without Docker')
    .argument('[names...]', 'tsumugi/platform, tsumugi/node, tsumugi/binary (default: all)')
    .option('--import', 'put them into the cluster of the current context (kind, k3d, k3s, minikube, or TSUMUGI_IMAGE_IMPORT)')
    .option('--push <prefix>', 'push them to a registry, as PREFIX/NAME')
    .option('--output <folder>', 'write them as an OCI image layout')
    .option('--registry-secret <name>', 'with --push: Secret of type kubernetes.io/dockerconfigjson (default: ~/.docker/config.json)')
    .option('--insecure', 'with --push: plain HTTP (loopback addresses have it always)')
    .option('-n, --namespace <name>', 'namespace of the Secret (default: the context’s, else "default")')
    .option('--context <name>', 'kubeconfig context')
    .option('--kubeconfig <file>', 'kubeconfig file')
    .option('-o, --format <table|json>', 'how it is shown', 'table')
    .addHelpText(
      'after',
      `
Examples:
  tsumugi images build --import                                  into a cluster on this machine
  tsumugi images build --push registry.example.com/team --registry-secret registry
  TSUMUGI_IMAGE_IMPORT='ctr -n k8s.io images import' tsumugi images build --import
  tsumugi images build node --output images/                     an OCI image layout`,
    )
    .action(build);
}

async function build(given: readonly string[], flags: BuildFlags): Promise<void> {
  const [{ imageNames }, { packageVersion }, { progress }] = await Promise.all([
    import('../../install/settings.ts'),
    import('../../processes/version.ts'),
    import('../output.ts'),
  ]);
  const names = given.length === 0 ? imageNames : imageNames.filter((name) => given.includes(name) || given.includes(shortName(name)));
  const unknown = given.find((name) => !imageNames.some((known) => known === name || shortName(known) === name));
  if (unknown !== undefined)
    throw new TsumugiError('Usage', `there is no image "${unknown}"`, { hint: `there are: ${imageNames.join(', ')}` });
  if (!formats.includes(flags.format))
    throw new TsumugiError('Usage', `-o is "${flags.format}"`, { hint: `allowed: ${formats.join(', ')}` });
  // What cannot work is said before the work.
  const deliver = await delivery(names, flags);
  const { buildImages } = await import('../../install/images/images.ts');
  const images = await progress('building images', () => buildImages(names, packageVersion()));
  await print(images, await progress('delivering images', () => deliver(images)), flags.format);
}

const shortName = (name: string): string => name.slice(name.indexOf('/') + 1);

/** Takes the images to where they were asked to be; answers the references by which they are known there. */
type Delivery = (images: readonly Image[]) => Promise<readonly (readonly string[])[]>;

async function delivery(names: readonly string[], flags: BuildFlags): Promise<Delivery> {
  if ([flags.import, flags.push, flags.output].filter((each) => each !== undefined).length > 1)
    throw new TsumugiError('Usage', 'only one of --import, --push and --output can be given');
  if (flags.push === undefined && (flags.registrySecret !== undefined || flags.insecure))
    throw new TsumugiError('Usage', '--registry-secret and --insecure need --push');
  const { referencesOf } = await import('../../install/images/oci.ts');
  if (flags.import) {
    const [{ importCommand, importImages }, { currentContext }] = await Promise.all([
      import('../../install/images/import.ts'),
      import('../../kube/kubeconfig.ts'),
    ]);
    const given = process.env['TSUMUGI_IMAGE_IMPORT'];
    const command = importCommand(given, given ? undefined : await currentContext(kubeconfigOf(flags)));
    return async (images) => {
      await importImages(images, command);
      return images.map(referencesOf);
    };
  }
  if (flags.push !== undefined) {
    const { destinationOf, pushImages } = await import('../../install/images/push.ts');
    const { push: prefix, insecure = false } = flags;
    const repositories = names.map((name) => destinationOf(prefix, name)).map(({ host, repository }) => `${host}/${repository}`);
    const credentials = await findRegistryCredentials(flags);
    repositories.forEach(credentials);
    return (images) => pushImages(images, { prefix, insecure, credentials });
  }
  const { output } = flags;
  const { writeLayout } = await import('../../install/images/layout.ts');
  return async (images) => {
    if (output !== undefined) await writeLayout(images, output);
    return images.map(referencesOf);
  };
}

const kubeconfigOf = ({ context, kubeconfig }: BuildFlags): { path?: string; context?: string } => ({
  ...(kubeconfig === undefined ? {} : { path: kubeconfig }),
  ...(context === undefined ? {} : { context }),
});

async function findRegistryCredentials(flags: BuildFlags): Promise<(repository: string) => RegistryCredentials | undefined> {
  const { findCredentials, readDockerConfig, readRegistrySecret } = await import('../../install/images/credentials.ts');
  const { registrySecret } = flags;
  if (registrySecret === undefined) {
    const { text, path } = await readDockerConfig(process.env);
    return (repository) => findCredentials(text, repository, path);
  }
  const [{ loadConnection }, { createHttpClient }] = await Promise.all([
    import('../../kube/kubeconfig.ts'),
    import('../../kube/http/client.ts'),
  ]);
  const connection = await loadConnection(kubeconfigOf(flags));
  const client = createHttpClient(connection);
  try {
    const text = await readRegistrySecret(client, flags.namespace ?? connection.namespace, registrySecret);
    return (repository) => {
      const found = findCredentials(text, repository, `the Secret ${registrySecret}`);
      if (!found) throw new TsumugiError('NotFound', `the Secret ${registrySecret} has no password for ${repository}`);
      return found;
    };
  } finally {
    client.close();
  }
}

async function print(images: readonly Image[], references: readonly (readonly string[])[], format: string): Promise<void> {
  if (format === 'json') {
    const shown = images.map(({ name, manifest, size, unpacked }, index) => ({
      name,
      references: references[index],
      digest: manifest.digest,
      sizeBytes: size,
      unpackedBytes: unpacked,
    }));
    process.stdout.write(`${JSON.stringify(shown, undefined, 2)}\n`);
    return;
  }
  const { formatTable } = await import('../output.ts');
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  const rows = images.flatMap(({ manifest, size }, index) =>
    (references[index] ?? []).map((reference) => [reference, megabytes(size), manifest.digest]),
  );
  process.stdout.write(`${formatTable(['REFERENCE', 'SIZE', 'DIGEST'], rows)}\n`);
}
