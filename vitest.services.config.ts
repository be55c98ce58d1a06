import { defineConfig } from 'vitest/config';

/** What needs a service that Debian has: `npm run test:services`. A test whose service is not installed says so and is skipped. */
export default defineConfig({
  test: {
    include: ['test/services/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    setupFiles: ['test/setup/leaks.ts', 'test/setup/seeds.ts'],
    expect: { requireAssertions: true },
  },
});
