import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bundle, bundle } from '../../../test/bundle.ts'
import { goldenDir, hasGolden } from '../../../test/golden.ts'
import { gpuEnvironment } from '../../../test/software-gpu.ts'

const gpu = gpuEnvironment()
const possible = gpu !== undefined && hasGolden('llava')
let built: Bundle | undefined
beforeAll(async () => {
  if (possible) built = await bundle({ verify: 'test/verify-program.ts' })
})
afterAll(() => built?.remove())

test.skipIf(!possible)('llava equals the reference on webgpu too', { timeout: 120_000 }, async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [built!.file('verify'), 'webgpu', goldenDir('llava')],
    { env: gpu },
  )
  const report: unknown = JSON.parse(stdout)
  expect(report).not.toHaveProperty('failure')
  expect(report).toMatchObject({ fixture: 'llava', compared: 93, expected: 93 })
})
