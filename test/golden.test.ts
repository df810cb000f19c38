/** @file Every folder of the reference is listed here with the test that compares it. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { goldenDir } from './golden.ts'

const models = 'src/measuring/verify/model.test.ts'
const qwen = 'src/models/families/qwen-vl/qwen-vl.test.ts'
const diffusion = 'src/measuring/verify/masked-diffusion.test.ts'
const tuning = 'src/measuring/verify/tuning.test.ts'

/** What compares a folder: a test file, or nothing yet and what will. */
type Check = { test: string } | { notYet: string }

const later = { notYet: 'comes with its family' }
const trainings = { notYet: 'comes with the tune command' }

const checks: Readonly<Record<string, Check>> = {
  'bench-mmeb': { notYet: 'comes with the eval command' },
  clip: { test: models },
  diffusionvl: later,
  dimple: later,
  'dream-vl': later,
  idefics3: { test: models },
  'lavida-dream': { test: diffusion },
  'lavida-llada': { test: diffusion },
  llava: { test: models },
  'llava-next': { test: models },
  'llava-onevision': { test: models },
  mmada: { test: 'src/measuring/verify/mmada.test.ts' },
  'omni-diffusion': later,
  'qwen2-vl': { test: qwen },
  'qwen2.5-vl': { test: qwen },
  'qwen3-vl': { test: qwen },
  'run-dora-lavida': trainings,
  'run-lora-llava': trainings,
  'run-matryoshka-llava': trainings,
  'sdar-vl': later,
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

test.runIf(existsSync(goldenDir('.')))('every folder of the reference is listed', () => {
  const folders = readdirSync(goldenDir('.'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
  expect(Object.keys(checks)).toEqual(expect.arrayContaining(folders))
})

test.each(Object.entries(checks).flatMap(([name, check]) => ('test' in check ? [[name, check.test]] : [])))(
  '%s is compared by %s',
  (name, file) => {
    const text = readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), 'utf8')
    expect(text).toContain(`'${name}'`)
  },
)
