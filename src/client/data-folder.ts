/** The data folder of a platform on this machine, and what a running one tells those who look for it. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** `<data>/run/platform.json`. */
export interface PlatformFile {
  readonly version: string;
  readonly pid: number;
  readonly data: string;
  readonly gateway: string;
  readonly api: string;
  readonly platform: string;
  readonly metrics: string;
  /** The platform API without TLS; only for the user who started it. */
  readonly socket: string;
  readonly domain: string;
}

/** Of the platform that runs, or last ran, on this data folder. */
export function readPlatformFile(data: string): PlatformFile | undefined {
  try {
    return JSON.parse(readFileSync(join(data, 'run', 'platform.json'), 'utf8')) as PlatformFile;
  } catch {
    return undefined;
  }
}

/** Where `up` keeps the kubeconfig of its cluster, for `export KUBECONFIG=…`. */
export function kubeconfigPath(data: string): string {
  return join(data, 'kubeconfig');
}

/** The data folder of a running platform: `.tsumugi` here or in a parent folder. */
export function dataAround(folder: string): string | undefined {
  for (let here = folder; ; here = dirname(here)) {
    const data = join(here, '.tsumugi');
    if (existsSync(join(data, 'run', 'platform.json'))) return data;
    if (dirname(here) === here) return undefined;
  }
}
