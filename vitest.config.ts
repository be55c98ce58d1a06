import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'src/**/*.test.ts',
      'test/contract/**/*.test.ts',
      'test/e2e/**/*.test.ts',
      'test/crash/**/*.test.ts',
      'test/hostile/**/*.test.ts',
      'test/docs/**/*.test.ts',
      'examples/**/*.test.ts',
    ],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    setupFiles: ['test/setup/leaks.ts', 'test/setup/seeds.ts'],
    expect: { requireAssertions: true },
  },
});
