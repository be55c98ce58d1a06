/** Which platform a command talks to; as kubectl's plugin a command reaches what kubectl reaches: there only `--data` comes before the context. */
import { type ConnectOptions, findData as find } from '../client/find.ts';
import { connect as connectTo, type Platform } from '../client/platform.ts';
import { isPlugin } from './program.ts';

export type { Platform };

export type PlatformFlags = Pick<ConnectOptions, 'data' | 'context' | 'kubeconfig' | 'namespace' | 'systemNamespace' | 'gateway'>;

export const connect = (flags: PlatformFlags): Promise<Platform> => connectTo({ ...flags, lookAround: !isPlugin });

/** The data folder that is meant, where one is. */
export const findData = (flags: Pick<PlatformFlags, 'data'>): string | undefined => find({ ...flags, lookAround: !isPlugin });
