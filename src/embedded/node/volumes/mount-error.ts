/** A volume cannot be made (yet): the pod waits, an event `FailedMount` says why, and it is tried again. */
export class MountError extends Error {}
