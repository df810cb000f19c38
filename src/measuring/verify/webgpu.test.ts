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

// Software takes minutes for more: `npm run parity:webgpu` compares every fixture.
test.skipIf(gpu === undefined).each([
  ['training of LoRA', 'tune-lora-llava'],
  ['every contrastive loss', 'tune-infonce'],
])('%s equals the reference on webgpu too', { timeout: 240_000 }, async (_, name) => {
  const args = [built!.file('verify'), 'webgpu', goldenDir(name)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: gpu })
  const report: { compared: number; expected: number } = JSON.parse(stdout)
  expect(report).not.toHaveProperty('failure')
  expect(report.compared).toBe(report.expected)
  expect(report.expected).toBeGreaterThan(40)
})
