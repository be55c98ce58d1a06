/**
 * For programs that use the platform: functions, scripts, tests, and any process with a kubeconfig or a token.
 *
 * @example
 * import { call } from 'tsumugi/client';
 * const sum = await call('math.add', 2, 3);
 */
export { TsumugiError } from '../base/errors.ts';
export { call } from './call.ts';
export type { ConnectOptions } from './find.ts';
export { connect, type Platform } from './platform.ts';
