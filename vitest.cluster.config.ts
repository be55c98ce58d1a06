import { defineConfig } from 'vitest/config';

/** What needs a real Kubernetes: `npm run test:cluster` starts one and names it in TSUMUGI_TEST_KUBECONFIG. */
export default defineConfig({
  test: {
    include: ['test/cluster/**/*.test.ts'],
    pool: 'forks',
    // One of them kills the API server for a moment.
    fileParallelism: false,
    // Of the cases that wait for much the same, on two cores.
    maxConcurrency: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    setupFiles: ['test/setup/leaks.ts', 'test/setup/seeds.ts'],
    expect: { requireAssertions: true },
  },
});
