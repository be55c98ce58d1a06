/** An image as the OCI image specification has it: layers, a configuration and a manifest, each known by its digest. */
import { type Layer, sha256 } from './layer.ts';

export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Bytes and what is said about them. */
export interface Blob extends Descriptor {
  readonly bytes: Uint8Array;
}

export interface Image {
  /** `tsumugi/node`. */
  readonly name: string;
  /** The tags: the version, and the version with the first 12 digits of the digest, which no other content ever gets. */
  readonly tags: readonly [version: string, unique: string];
  readonly manifest: Blob;
  readonly config: Blob;
  readonly layers: readonly Blob[];
  /** Bytes to transfer: all layers as they are stored. */
  readonly size: number;
  /** About what it takes on a node. */
  readonly unpacked: number;
}

export interface ImageOptions {
  readonly name: string;
  readonly version: string;
  readonly layers: readonly Layer[];
  readonly architecture: string;
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly description: string;
}

/** No time of its own: the same content is the same image. */
const created = '1970-01-01T00:00:00Z';

export function makeImage(options: ImageOptions): Image {
  const { name, version, architecture, user, entrypoint, env, workingDir, description } = options;
  const layers = options.layers.map(({ digest, bytes }) => ({ mediaType: mediaTypes.layer, digest, size: bytes.length, bytes }));
  const config = jsonBlob(mediaTypes.config, {
    architecture,
    os: 'linux',
    created,
    config: {
      User: user,
      Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
      Entrypoint: entrypoint,
      WorkingDir: workingDir,
      Labels: {
        'org.opencontainers.image.title': name,
        'org.opencontainers.image.description': description,
        'org.opencontainers.image.version': version,
        'org.opencontainers.image.licenses': 'Apache-2.0',
      },
    },
    rootfs: { type: 'layers', diff_ids: options.layers.map(({ diffId }) => diffId) },
    history: options.layers.map(() => ({ created, created_by: 'tsumugi images build' })),
  });
  const manifest = jsonBlob(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: descriptorOf(config),
    layers: layers.map(descriptorOf),
  });
  return {
    name,
    tags: [version, `${version}-${manifest.digest.slice('sha256:'.length).slice(0, 12)}`],
    manifest,
    config,
    layers,
    size: layers.reduce((sum, { size }) => sum + size, 0),
    unpacked: options.layers.reduce((sum, { unpacked }) => sum + unpacked, 0),
  };
}

/** `NAME:VERSION` and `NAME:VERSION-DIGITS`. */
export const referencesOf = ({ name, tags }: Image): readonly string[] => tags.map((tag) => `${name}:${tag}`);

export const descriptorOf = ({ mediaType, digest, size }: Blob): Descriptor => ({ mediaType, digest, size });

export function jsonBlob(mediaType: string, value: object): Blob {
  const bytes = Buffer.from(JSON.stringify(value));
  return { mediaType, digest: sha256(bytes), size: bytes.length, bytes };
}
