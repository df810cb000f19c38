/** @file Every folder of the reference is listed here with the test that compares it. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { expectations } from '../src/measuring/verify/mmeb/fixture.ts'
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

const runs = 'src/measuring/verify/run.test.ts'

/** The test file that compares a folder. */
const checks: Readonly<Record<string, string>> = {
  'bench-mmeb': 'src/measuring/verify/mmeb/mmeb.test.ts',
  clip: models,
  diffusionvl: 'src/models/families/diffusionvl/diffusionvl.test.ts',
  dimple: 'src/models/families/dimple/dimple.test.ts',
  'dream-vl': 'src/models/families/dream-vl/dream-vl.test.ts',
  idefics3: models,
  'lavida-dream': diffusion,
  'lavida-llada': diffusion,
  llava: models,
  'llava-next': models,
  'llava-onevision': models,
  mmada: 'src/measuring/verify/mmada.test.ts',
  'omni-diffusion': 'src/models/families/omni-diffusion/omni-diffusion.test.ts',
  'qwen2-vl': qwen,
  'qwen2.5-vl': qwen,
  'qwen3-vl': qwen,
  'run-dora-lavida': runs,
  'run-lora-llava': runs,
  'run-matryoshka-llava': runs,
  'sdar-vl': 'src/models/families/sdar-vl/sdar-vl.test.ts',
  siglip: models,
  siglip2: models,
  smolvlm: models,
  'tune-dora-qwen2-vl': tuning,
  'tune-dora-qwen2-vl-image': tuning,
  'tune-gradcache': tuning,
  'tune-infonce': 'src/measuring/verify/losses.test.ts',
  'tune-lora-llava': tuning,
  'tune-lora-llava-zero-b': tuning,
  'tune-merge': 'src/measuring/verify/merge.test.ts',
  'tune-ops': 'src/measuring/verify/operators.test.ts',
}

test('every folder of the whole reference is listed', () => {
  const folders = existsSync(wholeFixtures)
    ? readdirSync(wholeFixtures, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    : []
  expect(Object.keys(checks)).toEqual(expect.arrayContaining(folders.map(({ name }) => name)))
})

test('every folder that is compared has a reduced fixture, and no other', () => {
  expect(reducedNames()).toEqual(Object.keys(checks).sort())
})

test.each(reducedNames())('reduced %s is small', (name) => {
  // Image tokenizers are weights of their own.
  const limits: Readonly<Record<string, number>> = { mmada: 4.5e6, 'omni-diffusion': 1.4e6 }
  expect(sizeOf(name)).toBeLessThan(limits[name] ?? 1.2e6)
})

test('all reduced fixtures are small together', () => {
  expect(reducedNames().reduce((sum, name) => sum + sizeOf(name), 0)).toBeLessThan(20e6)
})

/** An evaluation, which has no cases. */
const MMEB = 'bench-mmeb'

test.each(reducedNames().filter((name) => name !== MMEB && hasWhole(name)))(
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

test.skipIf(!hasWhole(MMEB))(`reduced ${MMEB} equals the whole fixture in all that it has`, async () => {
  const whole = filesBelow(join(wholeFixtures, MMEB))
  const files = unpackedFiles(reducedFixtures, MMEB)
  for (const [file, bytes] of files)
    if (file !== 'expected.json' && file !== 'expected.safetensors')
      expect(Buffer.compare(bytes, whole.get(file)!), file).toBe(0)
  const missing = [...whole.keys()].filter((file) => !files.has(file) && !file.startsWith('eval'))
  expect(missing).toEqual(['README.md'])
  const valuesIn = (bytes: Uint8Array) => expectations(JSON.parse(Buffer.from(bytes).toString()))
  const all = valuesIn(whole.get('expected.json')!)
  const kept = valuesIn(files.get('expected.json')!)
  expect(kept.size).toBeGreaterThan(200)
  for (const [path, value] of kept)
    if (path === 'eval_v2' || path === 'eval_zip')
      expect(all.get(path)).toEqual(expect.arrayContaining(listIn(value)))
    else expect(value, path).toEqual(all.get(path))
  const tensors = await loadSafetensors(join(wholeFixtures, MMEB, 'expected.safetensors'))
  const some = await loadSafetensors(unpackedTo(MMEB, files.get('expected.safetensors')!))
  expect(some.size).toBeGreaterThan(5)
  for (const [key, tensor] of some) expect(tensor, key).toEqual(tensors.get(key))
})

const listIn = (value: unknown) => z.array(z.string()).parse(value)

test.each(Object.entries(checks))('%s is compared by %s', (name, file) => {
  const text = readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), 'utf8')
  expect(text).toContain(`'${name}'`)
})
