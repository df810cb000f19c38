/** @file Every folder of the reference is listed here with the test that compares it. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { loadSafetensors } from '../src/models/checkpoint/safetensors.ts'
import { hasWhole, reducedFixtures, reducedNames, wholeFixtures } from './golden.ts'
import { filesBelow, unpackedFiles } from './packed-folder.ts'

const copies = mkdtempSync(join(tmpdir(), 'bifocal-reduced-'))
afterAll(() => rmSync(copies, { recursive: true }))

/** Writes the bytes of a file to read it again. */
function unpackedTo(name: string, bytes: Uint8Array): string {
  const path = join(copies, `${name}.safetensors`)
  writeFileSync(path, bytes)
  return path
}

/** Bytes of a reduced fixture as it is stored. */
function sizeOf(name: string): number {
  return [...filesBelow(join(reducedFixtures, name)).values()].reduce((sum, { length }) => sum + length, 0)
}

const fixture = z.looseObject({
  cases: z
    .array(z.looseObject({ name: z.string(), expect: z.record(z.string(), z.unknown()).default({}) }))
    .default([]),
})

function casesOf(bytes: Uint8Array): z.infer<typeof fixture> {
  return fixture.parse(JSON.parse(Buffer.from(bytes).toString()))
}

const models = 'src/measuring/verify/model.test.ts'
const qwen = 'src/models/families/qwen-vl/qwen-vl.test.ts'
const diffusion = 'src/measuring/verify/masked-diffusion.test.ts'
const tuning = 'src/measuring/verify/tuning.test.ts'

/** The test file that compares a folder, or the work that will bring one. */
type Check = { test: string } | { notYet: string }

const runs = 'src/measuring/verify/run.test.ts'

const checks: Readonly<Record<string, Check>> = {
  'bench-mmeb': { notYet: 'comes with the eval command' },
  clip: { test: models },
  diffusionvl: { test: 'src/models/families/diffusionvl/diffusionvl.test.ts' },
  dimple: { test: 'src/models/families/dimple/dimple.test.ts' },
  'dream-vl': { test: 'src/models/families/dream-vl/dream-vl.test.ts' },
  idefics3: { test: models },
  'lavida-dream': { test: diffusion },
  'lavida-llada': { test: diffusion },
  llava: { test: models },
  'llava-next': { test: models },
  'llava-onevision': { test: models },
  mmada: { test: 'src/measuring/verify/mmada.test.ts' },
  'omni-diffusion': { test: 'src/models/families/omni-diffusion/omni-diffusion.test.ts' },
  'qwen2-vl': { test: qwen },
  'qwen2.5-vl': { test: qwen },
  'qwen3-vl': { test: qwen },
  'run-dora-lavida': { test: runs },
  'run-lora-llava': { test: runs },
  'run-matryoshka-llava': { test: runs },
  'sdar-vl': { test: 'src/models/families/sdar-vl/sdar-vl.test.ts' },
  siglip: { test: models },
  siglip2: { test: models },
  smolvlm: { test: models },
  'tune-dora-qwen2-vl': { test: tuning },
  'tune-dora-qwen2-vl-image': { test: tuning },
  'tune-gradcache': { test: tuning },
  'tune-infonce': { test: 'src/measuring/verify/losses.test.ts' },
  'tune-lora-llava': { test: tuning },
  'tune-lora-llava-zero-b': { test: tuning },
  'tune-merge': { test: 'src/measuring/verify/merge.test.ts' },
  'tune-ops': { test: 'src/measuring/verify/operators.test.ts' },
}

/** Folders whose names are listed with a test. */
const compared = Object.entries(checks).flatMap(([name, check]) =>
  'test' in check ? [[name, check.test] as const] : [],
)

test('every folder of the whole reference is listed', () => {
  const folders = existsSync(wholeFixtures)
    ? readdirSync(wholeFixtures, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    : []
  expect(Object.keys(checks)).toEqual(expect.arrayContaining(folders.map(({ name }) => name)))
})

test('every folder that is compared has a reduced fixture, and no other', () => {
  expect(reducedNames()).toEqual(compared.map(([name]) => name))
})

test.each(reducedNames())('reduced %s is small', (name) => {
  // Image tokenizers are weights of their own.
  const limits: Readonly<Record<string, number>> = { mmada: 4.5e6, 'omni-diffusion': 1.4e6 }
  expect(sizeOf(name)).toBeLessThan(limits[name] ?? 1.2e6)
})

test('all reduced fixtures are small together', () => {
  expect(reducedNames().reduce((sum, name) => sum + sizeOf(name), 0)).toBeLessThan(20e6)
})

test.each(reducedNames().filter(hasWhole))(
  'reduced %s equals the whole fixture in all that it has',
  async (name) => {
    const whole = filesBelow(join(wholeFixtures, name))
    const files = unpackedFiles(reducedFixtures, name)
    const missing = [...whole.keys()].filter((file) => !files.has(file))
    expect(missing.filter((file) => file !== 'README.md' && !file.startsWith('images/'))).toEqual([])
    for (const [file, bytes] of files) {
      if (file === 'cases.json' || file === 'expected.safetensors') continue
      expect(Buffer.compare(bytes, whole.get(file)!), file).toBe(0)
    }
    const { cases, ...rest } = casesOf(files.get('cases.json')!)
    const { cases: all, ...others } = casesOf(whole.get('cases.json')!)
    const withoutLosses = { masked_diffusion_loss: undefined, block_diffusion_loss: undefined }
    expect({ ...rest, ...withoutLosses }).toEqual({ ...others, ...withoutLosses })
    for (const at of cases) {
      const { rows, ...expected } = all.find((other) => other.name === at.name)!.expect
      expect(at.expect.rows === undefined ? expected : { rows, ...expected }).toEqual(at.expect)
    }
    if (!files.has('expected.safetensors')) return
    const tensors = await loadSafetensors(join(wholeFixtures, name, 'expected.safetensors'))
    const kept = await loadSafetensors(unpackedTo(name, files.get('expected.safetensors')!))
    expect(kept.size).toBeGreaterThan(5)
    for (const [key, tensor] of kept) expect(tensor, key).toEqual(tensors.get(key))
  },
)

test.each(compared)('%s is compared by %s', (name, file) => {
  const text = readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), 'utf8')
  expect(text).toContain(`'${name}'`)
})
