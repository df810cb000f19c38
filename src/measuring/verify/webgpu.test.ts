import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bundle, bundle } from '../../../test/bundle.ts'
import { goldenDir } from '../../../test/golden.ts'
import { gpuEnvironment } from '../../../test/software-gpu.ts'

const gpu = gpuEnvironment()
let built: Bundle | undefined
beforeAll(async () => {
  if (gpu !== undefined) built = await bundle({ verify: 'test/verify-program.ts' })
})
afterAll(() => built?.remove())

// Software takes a minute for a training and minutes for more: `npm run parity:webgpu` compares
// every model fixture, with `--fixtures tune-lora-llava` a training.
test.skipIf(gpu === undefined)(
  'every contrastive loss equals the reference on webgpu too',
  { timeout: 240_000 },
  async () => {
    const args = [built!.file('verify'), 'webgpu', goldenDir('tune-infonce')]
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: gpu })
    const report: { compared: number; expected: number } = JSON.parse(stdout)
    expect(report).not.toHaveProperty('failure')
    expect(report.compared).toBe(report.expected)
    expect(report.expected).toBeGreaterThan(40)
  },
)
