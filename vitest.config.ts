import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    setupFiles: ['test/matchers.ts'],
    testTimeout: 60_000,
    // A test that asks the real hub is a mistake. Some tests load ONNX Runtime themselves, without
    // the module that turns its telemetry off.
    env: { HF_HUB_OFFLINE: '1', ORT_DISABLE_TELEMETRY: '1' },
    // The last line of a run says what was skipped.
    reporters: ['default', './test/skipped-reporter.ts'],
    pool: 'forks',
    // Two model processes at once fill the two cores that continuous integration has.
    maxWorkers: 2,
  },
})
