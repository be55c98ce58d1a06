/** The platform's secrets: the key that signs what pods are told, and the one from which instance tokens come. */
import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { exportSigningKey, generateSigningKey, importSigningKey, type KeyPair } from '../../wire/seal.ts';

export interface PlatformKeys {
  /** Its `publicKey` is given to every pod at its start. */
  readonly signing: KeyPair;
  /** What gateways show to this pod. Derived, so that nothing is stored and a restarted control plane knows it again. */
  tokenFor(podUid: string, epoch: number): string;
  /** Tells whether something secret has changed, and nothing of it to those who do not have the key. */
  digest(text: string): string;
}

/** Reads the keys from `<data>/pki`, makes them (0600) at the first start. Two processes may do it at once: one's keys win. */
export function openPlatformKeys(folder: string): PlatformKeys {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return keysFrom({
    signing: readOrMake(join(folder, 'signing.pem'), newSigningKey),
    instances: readOrMake(join(folder, 'instances.key'), newInstancesKey),
  });
}

/** The keys as texts, where they are kept elsewhere: in a Secret. */
export interface KeyTexts {
  /** PEM. */
  readonly signing: string;
  readonly instances: string;
}

export const newSigningKey = (): string => exportSigningKey(generateSigningKey());
export const newInstancesKey = (): string => randomBytes(32).toString('base64url');

export function keysFrom(texts: KeyTexts): PlatformKeys {
  const secret = Buffer.from(texts.instances, 'base64url');
  const keyed = (text: string): Buffer => createHmac('sha256', secret).update(text).digest();
  return {
    signing: importSigningKey(texts.signing),
    tokenFor: (podUid, epoch) => keyed(`tsumugi instance 1\0${podUid}\0${epoch}`).toString('base64url'),
    digest: (text) => keyed(`tsumugi digest 1\0${text}`).toString('hex').slice(0, 32),
  };
}

function readOrMake(file: string, make: () => string): string {
  if (!existsSync(file)) {
    const half = `${file}.${randomBytes(6).toString('hex')}`;
    writeFileSync(half, make(), { mode: 0o600, flag: 'wx', flush: true });
    try {
      // Linking, unlike renaming, never replaces what another made in the meantime.
      linkSync(half, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(half);
    }
  }
  return readFileSync(file, 'utf8');
}
