import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bundle, bundle } from '../../../test/bundle.ts'
import { goldenDir, reducedFixtures } from '../../../test/golden.ts'
import { unpackFolder } from '../../../test/packed-folder.ts'
import { gpuEnvironment } from '../../../test/software-gpu.ts'

const gpu = gpuEnvironment()
let built: Bundle | undefined
beforeAll(async () => {
  if (gpu !== undefined) built = await bundle({ verify: 'test/verify-program.ts' })
})
afterAll(() => built?.remove())

const copies = mkdtempSync(join(tmpdir(), 'bifocal-webgpu-'))
afterAll(() => rmSync(copies, { recursive: true, force: true }))

// Software takes minutes for more: `npm run parity:webgpu` compares every fixture.
test.skipIf(gpu === undefined).each([
  ['a family with attention by blocks', () => unpacked('sdar-vl')],
  ['training of LoRA', () => goldenDir('tune-lora-llava')],
  ['every contrastive loss', () => goldenDir('tune-infonce')],
])('%s equals the reference on webgpu too', { timeout: 240_000 }, async (_, folder) => {
  const dir = folder()
  const { stdout } = await promisify(execFile)(process.execPath, [built!.file('verify'), 'webgpu', dir], {
    env: gpu,
  })
  const report: { compared: number; expected: number } = JSON.parse(stdout)
  expect(report).not.toHaveProperty('failure')
  expect(report.compared).toBe(report.expected)
  expect(report.expected).toBeGreaterThan(40)
})

/** The reduced fixture, also where the whole one is at hand. */
function unpacked(name: string): string {
  const dir = join(copies, name)
  unpackFolder(reducedFixtures, name, dir)
  return dir
}
