/** What `tsumugi controller` and `tsumugi gateway` can be told; `tsumugi install` tells them all of it by variables. */
import { resolve } from 'node:path';
import { databaseVariable, gatewayUrlVariable, pullSecretsVariable } from '../../install/workloads.ts';
import { ports, names } from '../../install/parts.ts';
import { defaultSettings, imageNames, patterns } from '../../install/settings.ts';
import { defaultNamespace } from '../../resources/installation.ts';
import type { RunSettings } from '../../jobs/settings.ts';
import { readRunSettings, runTable } from '../run-settings.ts';
import { type SettingInfo, settingReader, type SettingReader } from '../setting-table.ts';
import { packageVersion } from '../version.ts';

type Flags = Readonly<Record<string, string | undefined>>;

export interface ControllerSettings {
  readonly kubeconfig: string;
  readonly context: string;
  readonly namespace: string;
  readonly podName: string;
  /** Empty: SQLite in `data`. */
  readonly databaseUrl: string;
  /** Absolute. */
  readonly data: string;
  /** Name in manifests -> reference in pods. */
  readonly images: ReadonlyMap<string, string>;
  readonly imagePullSecrets: readonly string[];
  readonly gatewayUrl: string;
  readonly host: string;
  readonly platformPort: number;
  readonly metricsPort: number;
  readonly runs: RunSettings;
}

export interface ClusterGatewaySettings {
  readonly platform: string;
  readonly credentials: string;
  readonly host: string;
  readonly port: number;
  readonly domain: string;
  readonly metricsPort: number;
}

type Table<Names extends string> = readonly SettingInfo<Names>[];

const host: SettingInfo<'host'> = {
  name: 'host',
  flag: '--host <address>',
  variable: 'TSUMUGI_HOST',
  fallback: '0.0.0.0',
  says: 'address of all ports',
};
const metricsPort: SettingInfo<'metricsPort'> = {
  name: 'metricsPort',
  flag: '--metrics-port <number>',
  variable: 'TSUMUGI_METRICS_PORT',
  fallback: String(ports.metrics),
  says: 'port of /metrics, /healthz and /readyz',
};

const controllerOwn: Table<
  | 'kubeconfig'
  | 'context'
  | 'systemNamespace'
  | 'podName'
  | 'databaseUrl'
  | 'data'
  | 'images'
  | 'imagePullSecrets'
  | 'gatewayUrl'
  | 'host'
  | 'platformPort'
  | 'metricsPort'
> = [
  { name: 'kubeconfig', flag: '--kubeconfig <file>', variable: 'KUBECONFIG', fallback: '', says: 'outside of a cluster: kubeconfig file' },
  { name: 'context', flag: '--context <name>', variable: 'TSUMUGI_CONTEXT', fallback: '', says: 'context of the kubeconfig' },
  {
    name: 'systemNamespace',
    flag: '--system-namespace <name>',
    variable: 'TSUMUGI_SYSTEM_NAMESPACE',
    fallback: defaultNamespace,
    says: 'namespace of the platform: its Secrets and its Lease',
  },
  {
    name: 'podName',
    flag: '--pod-name <name>',
    variable: 'TSUMUGI_POD_NAME',
    fallback: '',
    says: 'who holds the Lease; else the host’s name',
  },
  {
    name: 'databaseUrl',
    variable: databaseVariable,
    fallback: '',
    says: 'PostgreSQL for packages and logs; without it: SQLite in --data, for one controller alone',
  },
  { name: 'data', flag: '--data <folder>', variable: 'TSUMUGI_DATA', fallback: '/data', says: 'folder of the SQLite form' },
  {
    name: 'images',
    flag: '--images <NAME=REF,...>',
    variable: 'TSUMUGI_IMAGES',
    fallback: '',
    says: 'references of the images, NAME=REFERENCE with commas between; else of this version',
  },
  {
    name: 'imagePullSecrets',
    flag: '--image-pull-secrets <names>',
    variable: pullSecretsVariable,
    fallback: '',
    says: 'Secrets that pods of functions may be pulled with, in their own namespace; commas between',
  },
  {
    name: 'gatewayUrl',
    flag: '--gateway-url <url>',
    variable: gatewayUrlVariable,
    fallback: '',
    says: 'what the URLs of functions begin with; else the gateway’s Service',
  },
  host,
  {
    name: 'platformPort',
    flag: '--platform-port <number>',
    variable: 'TSUMUGI_PLATFORM_PORT',
    fallback: String(ports.platform),
    says: 'port of the platform API (HTTPS)',
  },
  metricsPort,
];

export const controllerTable = [...controllerOwn, ...runTable];

export const gatewayTable: Table<'platform' | 'credentials' | 'port' | 'host' | 'domain' | 'metricsPort'> = [
  {
    name: 'platform',
    flag: '--platform <urls>',
    variable: 'TSUMUGI_PLATFORM',
    fallback: `https://${names.controllers}.${defaultNamespace}.svc:${ports.platform}`,
    says: 'controllers: all addresses of the host are used; commas between several URLs',
  },
  {
    name: 'credentials',
    flag: '--credentials <folder>',
    variable: 'TSUMUGI_PLATFORM_CREDENTIALS',
    fallback: '/tsumugi/platform',
    says: 'folder with token and ca.crt',
  },
  {
    name: 'port',
    flag: '--port <number>',
    variable: 'TSUMUGI_PORT',
    fallback: String(ports.http),
    says: 'port for requests, /healthz and /readyz',
  },
  host,
  {
    name: 'domain',
    flag: '--domain <name>',
    variable: 'TSUMUGI_DOMAIN',
    fallback: 'localhost',
    says: 'functions answer at NAME.NAMESPACE.DOMAIN',
  },
  metricsPort,
];

/** Throws Usage with the setting that is wrong. */
export function readControllerSettings(flags: Flags, env: NodeJS.ProcessEnv): ControllerSettings {
  const reader = settingReader(controllerTable, flags, env);
  const { text, number, wrong } = reader;
  const namespace = text('systemNamespace');
  if (!patterns.dnsLabel.test(namespace)) throw wrong('systemNamespace', 'a DNS label');
  const gatewayUrl = text('gatewayUrl') || `http://${names.gateway}.${namespace}.svc`;
  if (!/^https?:$/.test(URL.parse(gatewayUrl)?.protocol ?? '')) throw wrong('gatewayUrl', 'a URL, as https://fn.example.com');
  return {
    // The variable is read by `loadConnection`: it may name several files.
    kubeconfig: flags['kubeconfig'] ?? '',
    context: text('context'),
    namespace,
    podName: text('podName') || (env['HOSTNAME'] ?? 'controller'),
    databaseUrl: text('databaseUrl'),
    data: resolve(text('data')),
    images: readImages(reader),
    imagePullSecrets: readNames(reader),
    gatewayUrl: gatewayUrl.replace(/\/+$/, ''),
    host: text('host'),
    platformPort: number('platformPort', 0, 65_535),
    metricsPort: number('metricsPort', 0, 65_535),
    runs: readRunSettings(reader),
  };
}

/** Throws Usage with the setting that is wrong. */
export function readGatewaySettings(flags: Flags, env: NodeJS.ProcessEnv): ClusterGatewaySettings {
  const { text, number, wrong } = settingReader(gatewayTable, flags, env);
  const platform = text('platform');
  if (!platform.split(',').every((each) => URL.parse(each)?.protocol === 'https:'))
    throw wrong('platform', 'https://HOST:PORT, with commas between several');
  return {
    platform,
    credentials: resolve(text('credentials')),
    host: text('host'),
    port: number('port', 0, 65_535),
    domain: text('domain'),
    metricsPort: number('metricsPort', 0, 65_535),
  };
}

function readNames({ text, wrong }: Pick<SettingReader<'imagePullSecrets'>, 'text' | 'wrong'>): readonly string[] {
  const names = text('imagePullSecrets').split(',').filter(Boolean);
  if (!names.every((name) => patterns.dnsName.test(name))) throw wrong('imagePullSecrets', 'names of Secrets, with commas between');
  return names;
}

function readImages({ text, wrong }: Pick<SettingReader<'images'>, 'text' | 'wrong'>): ReadonlyMap<string, string> {
  const images = new Map<string, string>(Object.entries(defaultSettings(packageVersion()).images));
  for (const entry of text('images').split(',')) {
    if (entry === '') continue;
    const [name = '', reference = ''] = entry.split(/=(.*)/s);
    if (!imageNames.some((each) => each === name) || !patterns.reference.test(reference))
      throw wrong('images', `NAME=REFERENCE with commas between; names: ${imageNames.join(', ')}`);
    images.set(name, reference);
  }
  return images;
}
