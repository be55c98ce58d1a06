/**
 * For programs that use the platform: functions, scripts, tests, and any process with a kubeconfig or a token.
 *
 * @example
 * import { call } from 'tsumugi/client';
 * const sum = await call('math.add', 2, 3);
 */
export { TsumugiError } from '../base/errors.ts';
export { ApiError, isAlreadyExists, isConflict, isNotFound } from '../resources/object.ts';
export { call } from './call.ts';
export type { ConnectOptions } from './find.ts';
export { Kube } from './kube/kube.ts';
export type { KubeNamespace, LogOptions } from './kube/namespace.ts';
export type { Filter, NewObject } from './kube/objects.ts';
export { connect, type Platform } from './platform.ts';
export {
  type GuestOptions,
  Runner,
  type RunnerFunctions,
  type RunnerHandle,
  type RunnerOptions,
  type RunnerQuery,
  Sensitive,
  sensitive,
  type WaitOptions,
} from './runner.ts';
export { RunnerError, TimeoutError } from './runner-errors.ts';
export type { RunnerRecord, RunnerStatus } from './runner-requests.ts';
