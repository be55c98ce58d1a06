/** What an installation can be told, and what it is without a word. */
import { TsumugiError } from '../base/errors.ts';
import { defaultNamespace } from '../resources/installation.ts';

export const serviceTypes = ['ClusterIP', 'NodePort', 'LoadBalancer'] as const;
export type ServiceType = (typeof serviceTypes)[number];

/** Names that our own manifests and Runtimes use, without a registry and a tag. */
export const imageNames = ['tsumugi/binary', 'tsumugi/node', 'tsumugi/platform'] as const;
export type ImageName = (typeof imageNames)[number];

/** All decided. */
export interface InstallSettings {
  /** The system namespace. */
  readonly namespace: string;
  /** Replicas of the gateway. */
  readonly gateways: number;
  /** Secret in the system namespace whose key `url` is a PostgreSQL URL; absent: the evaluation form. */
  readonly databaseSecret?: string;
  /** The reference that stands for each name. */
  readonly images: Readonly<Record<ImageName, string>>;
  /** Secrets to pull images with: of these names in the system namespace and in each namespace with functions. */
  readonly imagePullSecrets: readonly string[];
  /** Functions answer at `NAME.NAMESPACE.DOMAIN`, too. */
  readonly domain: string;
  /** What the URLs of functions begin with; absent: the gateway's Service, a name inside of the cluster. */
  readonly gatewayUrl?: string;
  /** Of the gateway's Service. */
  readonly serviceType: ServiceType;
}

/** `version`: of this package; images without a reference of their own have it as their tag. */
export function defaultSettings(version: string): InstallSettings {
  return {
    namespace: defaultNamespace,
    gateways: 2,
    images: Object.fromEntries(imageNames.map((name) => [name, `${name}:${version}`])) as Record<ImageName, string>,
    imagePullSecrets: [],
    domain: 'localhost',
    serviceType: 'ClusterIP',
  };
}

/** What the texts must look like; the chart's schema asks for the same. */
export const patterns = {
  dnsLabel: /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
  dnsName: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  url: /^https?:\/\/[A-Za-z0-9][A-Za-z0-9_.\-:/]*$/,
  /** As loose as a registry's reference may be, and nothing that would end a YAML string or an entry of TSUMUGI_IMAGES. */
  reference: /^[A-Za-z0-9][A-Za-z0-9_.\-:/@]*$/,
} as const;

/** Throws Usage at what cannot be installed, with the flag that says it. */
export function checkSettings(settings: InstallSettings): InstallSettings {
  const { namespace, gateways, databaseSecret, images, imagePullSecrets, domain, gatewayUrl, serviceType } = settings;
  const refuse = (flag: string, value: unknown, hint: string): never => {
    throw new TsumugiError('Usage', `${flag} is "${String(value)}"`, { hint });
  };
  if (!patterns.dnsLabel.test(namespace)) refuse('--namespace', namespace, 'allowed: a DNS label, as tsumugi-system');
  if (namespace === 'default' || namespace.startsWith('kube-'))
    refuse('--namespace', namespace, 'the platform needs a namespace of its own, as tsumugi-system');
  if (!Number.isInteger(gateways) || gateways < 1) refuse('--gateways', gateways, 'allowed: a whole number from 1 on');
  if (databaseSecret !== undefined && (!patterns.dnsName.test(databaseSecret) || databaseSecret.length > 253))
    refuse(
      '--database-secret',
      databaseSecret,
      'allowed: the name of a Secret in the system namespace, with the database’s URL in its key "url"',
    );
  if (!patterns.dnsName.test(domain)) refuse('--domain', domain, 'allowed: a DNS name, as functions.example.com');
  if (gatewayUrl !== undefined && !patterns.url.test(gatewayUrl))
    refuse('--gateway-url', gatewayUrl, 'allowed: where the gateway is reached, as https://functions.example.com');
  if (!serviceTypes.includes(serviceType)) refuse('--service-type', serviceType, `allowed: ${serviceTypes.join(', ')}`);
  for (const [name, value] of Object.entries(images)) {
    if (!(imageNames as readonly string[]).includes(name)) refuse('--image', `${name}=${value}`, `allowed names: ${imageNames.join(', ')}`);
    if (!patterns.reference.test(value))
      refuse('--image', `${name}=${value}`, `allowed: NAME=REFERENCE, as ${name}=registry.example.com/${name}:1.0`);
  }
  for (const name of imagePullSecrets)
    if (!patterns.dnsName.test(name) || name.length > 253)
      refuse('--image-pull-secret', name, 'allowed: the name of a Secret of type kubernetes.io/dockerconfigjson in the system namespace');
  return settings;
}
