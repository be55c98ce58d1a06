/** Pushing images: what the registry does not have yet, then the manifest under each tag. */
import { TsumugiError } from '../../base/errors.ts';
import type { RegistryCredentials } from './credentials.ts';
import type { Blob, Image } from './oci.ts';
import { type Answer, Registry } from './registry.ts';

export interface PushOptions {
  /** `registry.local:5000/team`: comes before the image's name. */
  readonly prefix: string;
  /** For a repository as `HOST/PATH`. */
  readonly credentials: (repository: string) => RegistryCredentials | undefined;
  readonly insecure?: boolean;
}

/** Where an image went: `registry.local:5000/team/tsumugi/node`. */
export interface Destination {
  readonly host: string;
  /** `team/tsumugi/node`. */
  readonly repository: string;
}

/** As Docker reads names: the first part is a host where it looks like one, else the host is Docker Hub. */
export function destinationOf(prefix: string, name: string): Destination {
  const [first = '', ...rest] = prefix.split('/');
  const isHost = /[.:]/.test(first) || first === 'localhost';
  const [host, path] = isHost ? [first, rest] : ['docker.io', [first, ...rest]];
  const valid = path.every((part) => /^[a-z0-9]+([._-]+[a-z0-9]+)*$/.test(part)) && /^(\[[0-9a-f:]+\]|[A-Za-z0-9.-]+)(:\d+)?$/.test(host);
  if (!valid)
    throw new TsumugiError('Usage', `--push is "${prefix}"`, { hint: 'allowed: HOST[:PORT][/PATH], as registry.example.com/team' });
  if (host === 'docker.io' && path.length > 0)
    throw new TsumugiError(
      'Usage',
      `--push is "${prefix}": Docker Hub has no repository ${path.join('/')}/${name}, its names have two parts`,
      {
        hint: 'use another registry, or --output and a tool that copies images under other names (skopeo, crane)',
      },
    );
  return { host, repository: [...path, name].join('/') };
}

/** Answers the references of each image, the one by digest last. Safe to run again: what is there is not sent. */
export async function pushImages(
  images: readonly Image[],
  { prefix, credentials, insecure = false }: PushOptions,
): Promise<readonly (readonly string[])[]> {
  const destinations = images.map((image) => destinationOf(prefix, image.name));
  for (const [index, image] of images.entries()) {
    const { host, repository } = destinations[index] as Destination;
    const registry = new Registry({ host, repository, insecure, credentials: credentials(`${host}/${repository}`) });
    for (const blob of [...image.layers, image.config]) {
      const neighbour = images.slice(0, index).findIndex(({ layers }) => layers.some(({ digest }) => digest === blob.digest));
      await pushBlob(registry, blob, destinations[neighbour]?.repository);
    }
    for (const tag of image.tags) await pushManifest(registry, image.manifest, tag);
  }
  return images.map(({ tags, manifest }, index) => {
    const { host, repository } = destinations[index] as Destination;
    return [...tags.map((tag) => `${host}/${repository}:${tag}`), `${host}/${repository}@${manifest.digest}`];
  });
}

/** `neighbour`: a repository of the same registry that has it, from which the registry may take it. */
async function pushBlob(registry: Registry, blob: Blob, neighbour: string | undefined): Promise<void> {
  const { status } = await registry.send({ method: 'HEAD', path: `blobs/${blob.digest}`, expect: [200, 404] });
  if (status === 200) return;
  const mounted = neighbour === undefined ? undefined : await mountBlob(registry, blob, neighbour);
  if (mounted?.status === 201) return;
  // The registry opened an upload instead, or did not want to hear of another repository.
  const started = mounted?.status === 202 ? mounted : await registry.send({ method: 'POST', path: 'blobs/uploads/', expect: [202] });
  const location = started.headers.get('location');
  if (location === null) throw new TsumugiError('Unavailable', 'the registry started an upload and did not say where');
  const url = new URL(location, started.url);
  url.searchParams.set('digest', blob.digest);
  await registry.send({ method: 'PUT', path: url.href, contentType: 'application/octet-stream', body: blob.bytes, expect: [201] });
}

function mountBlob(registry: Registry, { digest }: Blob, from: string): Promise<Answer> {
  const query = new URLSearchParams({ mount: digest, from }).toString();
  return registry.send({ method: 'POST', path: `blobs/uploads/?${query}`, expect: [201, 202, 401, 403] });
}

async function pushManifest(registry: Registry, manifest: Blob, tag: string): Promise<void> {
  const { headers } = await registry.send({
    method: 'PUT',
    path: `manifests/${tag}`,
    contentType: manifest.mediaType,
    body: manifest.bytes,
    expect: [201],
  });
  const digest = headers.get('docker-content-digest');
  if (digest !== null && digest !== manifest.digest)
    throw new TsumugiError('Unavailable', `the registry stored the manifest as ${digest}, not as ${manifest.digest}`);
}
