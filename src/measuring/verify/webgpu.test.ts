import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bundle, bundle } from '../../../test/bundle.ts'
import { goldenDir } from '../../../test/golden.ts'
import { gpuEnvironment } from '../../../test/software-gpu.ts'
import { openSafetensors } from '../../models/checkpoint/safetensors.ts'

const gpu = gpuEnvironment()
let built: Bundle | undefined
beforeAll(async () => {
  if (gpu !== undefined) built = await bundle({ verify: 'test/verify-program.ts' })
})
afterAll(() => built?.remove())

test.skipIf(gpu === undefined)('llava equals the reference on webgpu too', { timeout: 120_000 }, async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [built!.file('verify'), 'webgpu', goldenDir('llava')],
    { env: gpu },
  )
  const report: unknown = JSON.parse(stdout)
  const { tensors } = await openSafetensors(join(goldenDir('llava'), 'expected.safetensors'))
  expect(report).not.toHaveProperty('failure')
  expect(report).toMatchObject({
    fixture: 'llava',
    compared: tensors.size,
    expected: tensors.size,
  })
})

test.skipIf(gpu === undefined).each([
  ['training of LoRA', 'tune-lora-llava'],
  ['training of DoRA', 'tune-dora-qwen2-vl'],
  ['every contrastive loss', 'tune-infonce'],
])('%s on webgpu equals the reference', { timeout: 240_000 }, async (_, fixture) => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [built!.file('verify'), 'webgpu', goldenDir(fixture)],
    { env: gpu },
  )
  const report = JSON.parse(stdout)
  expect(report).not.toHaveProperty('failure')
  expect(report.compared).toBe(report.expected)
  expect(report.expected).toBeGreaterThan(0)
})
