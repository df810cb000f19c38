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
import { openSafetensors } from '../../models/checkpoint/safetensors.ts'

const gpu = gpuEnvironment()
let built: Bundle | undefined
beforeAll(async () => {
  if (gpu !== undefined) built = await bundle({ verify: 'test/verify-program.ts' })
})
afterAll(() => built?.remove())

const copies = mkdtempSync(join(tmpdir(), 'bifocal-webgpu-'))
afterAll(() => rmSync(copies, { recursive: true, force: true }))

// The second has attention by blocks; all of its cases would take minutes in software.
test.skipIf(gpu === undefined).each([
  ['llava', () => goldenDir('llava')],
  ['sdar-vl', () => unpacked('sdar-vl')],
])('%s equals the reference on webgpu too', { timeout: 240_000 }, async (fixture, folder) => {
  const dir = folder()
  const { stdout } = await promisify(execFile)(process.execPath, [built!.file('verify'), 'webgpu', dir], {
    env: gpu,
  })
  const report: unknown = JSON.parse(stdout)
  const { tensors } = await openSafetensors(join(dir, 'expected.safetensors'))
  expect(report).not.toHaveProperty('failure')
  expect(report).toMatchObject({ fixture, compared: tensors.size, expected: tensors.size })
})

/** The reduced fixture, also where the whole one is at hand. */
function unpacked(name: string): string {
  const dir = join(copies, name)
  unpackFolder(reducedFixtures, name, dir)
  return dir
}
