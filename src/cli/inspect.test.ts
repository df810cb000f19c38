/** @file `bifocal inspect`. */

import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CliFiles, editConfig, otherShape, writeCliFiles } from '../../test/cli-files.ts'
import { runHere } from '../../test/command-line.ts'
import { goldenDir } from '../../test/golden.ts'

let files: CliFiles
let model: string
const at = (name: string) => files.at(name)

beforeAll(async () => {
  files = await writeCliFiles()
  model = files.model
  await cp(model, at('other-shape'), { recursive: true })
  editConfig(at('other-shape'), otherShape)
}, 400_000)
afterAll(() => files.remove())

test('tells family, parameters and memory', async () => {
  const { code, stdout } = await runHere(['inspect', model, '--json', '--no-probe'])
  expect(JSON.parse(stdout)).toMatchObject({
    family: 'llava',
    kind: 'vision-language',
    context: 256,
    contract: { image: { orientation: 'ignored' } },
    tensors: { missing: [], unfit: [], unused: ['language_model.lm_head.weight'] },
    estimate: null,
    tuning: null,
    precision: null,
  })
  expect(code).toBe(0)
})

test('a mask by blocks is said with its size', async () => {
  const { stdout } = await runHere(['inspect', join(goldenDir('diffusionvl'), 'checkpoint'), '--no-probe'])
  expect(stdout).toContain('nativeAttention blocks of 8')
})

test('foretells seconds an item, and compares precisions', async () => {
  const { code, stdout } = await runHere(['inspect', model, '--precision'])
  expect(stdout).toMatch(/seconds +text \d+\.\d+ ms.*, image \d+\.\d+ ms.*, both \d+\.\d+ ms/)
  expect(stdout).toMatch(/tuning +\d+\.\d+ ms an update of 64 pairs .* \d\.\d GB of memory/)
  expect(stdout).toMatch(
    /f16 .*cosine to f32 min [01]\.\d{6} mean [01]\.\d{6} \(text .*image .*both .*\), \d+\.\d+× the speed/,
  )
  expect(stdout).toMatch(/int8 .*cosine to f32 min 0\.9\d+ mean 0\.9\d+ .* 9 items/)
  expect(code).toBe(0)
})

test("compares precisions on a user's items", async () => {
  const { stdout } = await runHere([
    'inspect',
    model,
    '--no-probe',
    '--precision',
    '--items',
    at('items.jsonl'),
    '--json',
  ])
  const { precision } = JSON.parse(stdout)
  expect(precision).toMatchObject([
    { dtype: 'f16', cosine: { all: { items: 2 } } },
    { dtype: 'int8', cosine: { given: { items: 2 } } },
  ])
})

test('lists what does not fit, and exits with 3', async () => {
  const { code, stdout } = await runHere(['inspect', at('other-shape')])
  expect(stdout).toMatch(/weights .*6 of \d+ weights do not fit.*asks for \[40, 24\]/)
  expect(code).toBe(3)
})
