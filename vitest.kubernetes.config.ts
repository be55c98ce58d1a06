import { defineConfig } from 'vitest/config';

/** What needs a whole Kubernetes, with a node that runs pods: TSUMUGI_TEST_KUBERNETES is its kubeconfig. */
export default defineConfig({
  test: {
    include: ['test/kubernetes/**/*.test.ts'],
    pool: 'forks',
    // They share the node's cores.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    globalSetup: ['test/setup/images.ts'],
    setupFiles: ['test/setup/leaks.ts', 'test/setup/seeds.ts'],
    expect: { requireAssertions: true },
  },
});
