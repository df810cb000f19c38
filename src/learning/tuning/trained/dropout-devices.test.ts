/** @file The masks of dropout are the same on every device. */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bundle, bundle } from '../../../../test/bundle.ts'
import { gpuEnvironment } from '../../../../test/software-gpu.ts'

const gpu = gpuEnvironment()
let built: Bundle | undefined
beforeAll(async () => {
  if (gpu !== undefined) built = await bundle({ dropout: 'test/dropout-program.ts' })
})
afterAll(() => built?.remove())

test.skipIf(gpu === undefined)('webgpu drops what the cpu drops', { timeout: 120_000 }, async () => {
  const ran = async (device: string) => {
    const { stdout } = await promisify(execFile)(process.execPath, [built!.file('dropout'), device], {
      env: gpu,
    })
    return JSON.parse(stdout)
  }
  const onCpu = await ran('cpu')
  expect(onCpu.dropped).toBeCloseTo(0.1, 2)
  expect(await ran('webgpu')).toEqual(onCpu)
})
