import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    setupFiles: ['test/matchers.ts'],
    testTimeout: 60_000,
    pool: 'forks',
    // Two model processes at once fill the two cores that continuous integration has.
    maxWorkers: 2,
  },
})
