/** What an image's name means here: this install's shims, the host's file system, or nothing that this node can run. */

export type ImageKind =
  | { readonly kind: 'shim'; readonly bundle: string }
  | { readonly kind: 'host' }
  | { readonly kind: 'unavailable'; readonly message: string };

/**
 * @param shims image -> bundle: `{ node: '/…/node.cjs' }` makes the image `tsumugi/node`
 * @param version of this install; a tag that names another one is not available
 */
export function resolveImage(image: string | undefined, shims: Readonly<Record<string, string>>, version: string): ImageKind {
  if (image === 'host') return { kind: 'host' };
  const match = /^tsumugi\/([a-z0-9-]+)(?::(.+))?$/.exec(image ?? '');
  const name = match?.[1] ?? '';
  const bundle = Object.hasOwn(shims, name) ? shims[name] : undefined;
  if (bundle === undefined) {
    const known = ['host', ...Object.keys(shims).map((shim) => `tsumugi/${shim}`)].join(', ');
    return {
      kind: 'unavailable',
      message: `image "${image ?? ''}" cannot run on this node, which has: ${known}; container images need a Kubernetes cluster`,
    };
  }
  if (match?.[2] !== undefined && match[2] !== version) {
    return {
      kind: 'unavailable',
      message: `image "${image ?? ''}" is of another version; this install is ${version}: name the image without a tag`,
    };
  }
  return { kind: 'shim', bundle };
}
