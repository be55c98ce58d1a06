/** Words that the job controller and its pods share with Kubernetes. */

/** Who looks after Jobs here; `spec.managedBy` may name another. */
export const controllerName = 'kubernetes.io/job-controller';
/** Holds a pod until it is counted. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';
/** A pod's index: annotation and label. */
export const indexAnnotation = 'batch.kubernetes.io/job-completion-index';
export const indexVariable = 'JOB_COMPLETION_INDEX';
/** How many pods of its index failed before it, and how many of those that did not count. */
export const failuresAnnotation = 'batch.kubernetes.io/job-index-failure-count';
export const ignoredFailuresAnnotation = 'batch.kubernetes.io/job-index-ignored-failure-count';
