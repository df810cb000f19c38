import { configDefaults, defineConfig } from 'vitest/config'

/** They replace modules that other files have loaded before, or count the threads of a process. */
const ISOLATED = ['src/**/full-disk.test.ts', 'src/engine/runtime/worker.test.ts']

export default defineConfig({
  test: {
    testTimeout: 60_000,
    setupFiles: ['test/matchers.ts', 'test/restored.ts'],
    // A test that asks the real hub is a mistake. Some tests load ONNX Runtime themselves, without
    // the module that turns its telemetry off.
    // Models of tests are so small that a second thread of an engine does nothing but wait for work,
    // which takes as much processor time as the first one. Tests of threads name their number.
    env: { HF_HUB_OFFLINE: '1', ORT_DISABLE_TELEMETRY: '1', BIFOCAL_THREADS: '1' },
    // The last line of a run says what was skipped.
    reporters: ['default', './test/skipped-reporter.ts'],
    pool: 'forks',
    // Two model processes at once fill the two cores that continuous integration has.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...ISOLATED],
          // Files take turns in two processes: loading the engine and the sources for each of them
          // takes a third of the time of all tests.
          isolate: false,
        },
      },
      { extends: true, test: { name: 'isolated', include: ISOLATED } },
    ],
  },
})
