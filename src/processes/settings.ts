/** What `tsumugi up` can be told: each flag has a variable; the flag wins. One table, so that help, docs and parsing agree. */
import { resolve } from 'node:path';
import type { RunSettings } from '../jobs/settings.ts';
import { readRunSettings, runTable } from './run-settings.ts';
import { type SettingInfo, settingReader } from './setting-table.ts';

/** Settings of one platform on one machine, all decided. */
export interface UpSettings {
  /** Absolute. */
  readonly data: string;
  readonly host: string;
  readonly port: number;
  readonly apiHost: string;
  readonly apiPort: number;
  readonly platformPort: number;
  readonly metricsPort: number;
  readonly domain: string;
  readonly gateways: number;
  readonly isolation: 'auto' | 'required' | 'process';
  readonly runs: RunSettings;
  /** Names of the settings that somebody chose: a taken port that was chosen is an error, a default one may move on. */
  readonly chosen: readonly string[];
}

/** What the control plane and the gateways are told. */
export interface RoleSettings extends UpSettings {
  readonly run: string;
  /** Functions of `up DIR`, each `namespace/name`: until all are Ready, `/readyz` says 503. */
  readonly waitFor: readonly string[];
  /** Of a gateway whose port the supervisor holds: the socket that it inherits, and is to listen on. */
  readonly listenFd?: number;
}

const own: readonly (SettingInfo<Exclude<keyof UpSettings, 'chosen' | 'runs'>> & { readonly flag: string })[] = [
  { name: 'data', flag: '--data <folder>', variable: 'TSUMUGI_DATA', fallback: './.tsumugi', says: 'where everything is kept' },
  { name: 'port', flag: '--port <number>', variable: 'TSUMUGI_PORT', fallback: '8080', says: 'port of the gateway (0: any free one)' },
  { name: 'host', flag: '--host <address>', variable: 'TSUMUGI_HOST', fallback: '127.0.0.1', says: 'address the gateway listens on' },
  { name: 'apiPort', flag: '--api-port <number>', variable: 'TSUMUGI_API_PORT', fallback: '6440', says: 'port of the Kubernetes API' },
  { name: 'apiHost', flag: '--api-host <address>', variable: 'TSUMUGI_API_HOST', fallback: '127.0.0.1', says: 'address of both APIs' },
  {
    name: 'platformPort',
    flag: '--platform-port <number>',
    variable: 'TSUMUGI_PLATFORM_PORT',
    fallback: '6441',
    says: 'port of the platform API',
  },
  {
    name: 'metricsPort',
    flag: '--metrics-port <number>',
    variable: 'TSUMUGI_METRICS_PORT',
    fallback: '9464',
    says: 'port of the Prometheus metrics, on loopback',
  },
  {
    name: 'domain',
    flag: '--domain <name>',
    variable: 'TSUMUGI_DOMAIN',
    fallback: 'localhost',
    says: 'functions answer at NAME.NAMESPACE.DOMAIN',
  },
  { name: 'gateways', flag: '--gateways <number>', variable: 'TSUMUGI_GATEWAYS', fallback: '1', says: 'number of gateway processes' },
  {
    name: 'isolation',
    flag: '--isolation <auto|required|process>',
    variable: 'TSUMUGI_ISOLATION',
    fallback: 'auto',
    says: 'auto, required (refuse to start without a sandbox) or process (none)',
  },
];

export const settingTable = [...own, ...runTable];

/** Decides all settings: flags (by name), else variables, else the defaults. Throws Usage with the flag that is wrong. */
export function readSettings(flags: Readonly<Record<string, string | undefined>>, env: NodeJS.ProcessEnv): UpSettings {
  const reader = settingReader(settingTable, flags, env);
  const { chosen, text, number, wrong } = reader;
  const isolation = text('isolation');
  if (isolation !== 'auto' && isolation !== 'required' && isolation !== 'process') throw wrong('isolation', 'auto, required or process');
  return {
    data: resolve(text('data')),
    host: text('host'),
    port: number('port', 0, 65_535),
    apiHost: text('apiHost'),
    apiPort: number('apiPort', 0, 65_535),
    platformPort: number('platformPort', 0, 65_535),
    metricsPort: number('metricsPort', 0, 65_535),
    domain: text('domain'),
    gateways: number('gateways', 1, 64),
    isolation,
    runs: readRunSettings(reader),
    chosen,
  };
}

/** Only this machine can reach such an address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
