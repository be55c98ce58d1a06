import kubernetes from './vitest.kubernetes.config.ts';

/** What is broken under load on a whole Kubernetes: about ten minutes. */
export default { ...kubernetes, test: { ...kubernetes.test, include: ['test/faults/**/*.test.ts'] } };
