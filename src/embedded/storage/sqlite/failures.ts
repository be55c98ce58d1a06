import { diskIsFull, isDiskFailure, isDiskFull } from '../../../base/disk.ts';
import { toError } from '../../../base/errors.ts';
import { StorageFailed } from '../store.ts';

/** For who asked a running store for something. What is no failure of the disk stays as it is. */
export function asStorageFailed(thrown: unknown): Error {
  const error = toError(thrown);
  if (isDiskFull(error)) return new StorageFailed('full', diskIsFull, error);
  if (!isDiskFailure(error)) return error;
  const says = `the disk of the data folder cannot be read or written (${error.message}): look at it, and at the system's log`;
  return new StorageFailed('unusable', says, error);
}
