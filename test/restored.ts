/**
 * @file Files of tests share a process: each one leaves variables, working directory and replaced
 * functions as it found them.
 */

import { afterAll, vi } from 'vitest'

const [variables, folder] = [{ ...process.env }, process.cwd()]

afterAll(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  process.chdir(folder)
  for (const name of Object.keys(process.env)) if (!(name in variables)) delete process.env[name]
  Object.assign(process.env, variables)
})
