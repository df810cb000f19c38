import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { goldenDir } from '../../../../test/golden.ts'
import { writeRandomTwins } from '../../../../test/random-twins.ts'
import { toF32 } from '../../../foundation/numeric/float.ts'
import { loadSafetensors, writeSafetensors } from '../../checkpoint/safetensors.ts'
import { readContract, writeContract } from '../contract.ts'
import { verifyContract } from './contract.ts'
import { verifyPublished } from './published.ts'
import { recordGolden } from './record.ts'

let root: string
let folders: Awaited<ReturnType<typeof writeRandomTwins>>
const at = (name: string) => join(root, name)
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-contract-'))
  folders = await writeRandomTwins(root)
  const noise = { create: { width: 40, height: 30, channels: 3 as const, background: 'red' } }
  await sharp(noise)
    .composite([
      { input: Buffer.from('<svg width="20" height="9"><rect width="15" height="7" fill="blue"/></svg>') },
    ])
    .png()
    .toFile(at('a.png'))
}, 120_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

const items = () => [{ text: 'a cat' }, { instruction: 'Find', text: 'keys', image: at('a.png') }]

/** A copy of a model with golden vectors, in which something is then changed. */
async function recorded(model: string, name: string): Promise<string> {
  const dir = at(name)
  cpSync(model, dir, { recursive: true })
  await recordGolden(dir, items(), dir)
  expect((await readContract(dir))?.contract).toMatchObject({
    base: { path: '.' },
    golden: { items: [{}, { image: expect.stringMatching(/^golden-pictures\/[0-9a-f]{16}\.png$/) }] },
  })
  return dir
}

async function editWeight(dir: string, ending: string): Promise<void> {
  const file = join(dir, 'model.safetensors')
  const tensors = await loadSafetensors(file)
  const [name = ''] = [...tensors.keys()].filter((key) => key.endsWith(ending))
  const weight = toF32(tensors.get(name)!)
  for (let i = 0; i < weight.data.length; i++) weight.data[i]! += 0.05 * (1 + (i % 3))
  await writeSafetensors(file, { ...Object.fromEntries(tensors), [name]: weight })
}

function editText(dir: string, file: string, from: string | RegExp, to: string): void {
  const text = readFileSync(join(dir, file), 'utf8')
  expect(text.replace(from, to)).not.toBe(text)
  writeFileSync(join(dir, file), text.replace(from, to))
}

test('a copy of the folder is verified wherever it lies: its pictures came with it', async () => {
  const dir = await recorded(folders.ar, 'whole')
  cpSync(dir, at('elsewhere/whole'), { recursive: true })
  expect(await verifyContract(at('elsewhere/whole'))).toMatchObject({ failure: undefined, compared: 1 })
})

test('what cannot be recorded leaves the vectors of before', async () => {
  const dir = await recorded(folders.ar, 'kept')
  const before = readFileSync(join(dir, 'golden.safetensors'))
  await expect(recordGolden(dir, [], dir)).rejects.toMatchObject({ code: 'embedder/contract', exitCode: 2 })
  await expect(recordGolden(dir, [{ text: 'keys' }], dir, { tolerance: 0 })).rejects.toMatchObject({
    code: 'embedder/contract',
  })
  expect(readFileSync(join(dir, 'golden.safetensors'))).toEqual(before)
})

describe('a miss is bisected to the first stage that differs', () => {
  const mistakes: [string, string, (dir: string) => Promise<void> | void][] = [
    [
      'the prompt',
      'input_ids',
      async (dir) => {
        const { contract } = (await readContract(dir))!
        await writeContract(dir, { ...contract, prompt: { template: '{image}{instruction}{text}' } })
      },
    ],
    [
      'the processor',
      'pixel_values',
      (dir) => editText(dir, 'preprocessor_config.json', /"image_mean": ?\[\s*0\.5/, '"image_mean":[0.4'),
    ],
    ['the tower', 'vision', (dir) => editWeight(dir, 'vision_model.encoder.layers.0.mlp.fc1.weight')],
    ['the projector', 'projector', (dir) => editWeight(dir, 'linear_2.weight')],
    ['a layer', 'layer.01', (dir) => editWeight(dir, 'layers.1.mlp.down_proj.weight')],
    ['the last norm', 'norm', (dir) => editWeight(dir, 'model.norm.weight')],
    [
      'the pooling',
      'vector',
      async (dir) => {
        const { contract } = (await readContract(dir))!
        await writeContract(dir, { ...contract, readout: { ...contract.readout, pool: 'mean' } })
      },
    ],
  ]
  let original: string
  beforeAll(async () => {
    original = await recorded(folders.ar, 'recorded')
  }, 120_000)

  test('and without a mistake there is none', async () => {
    expect(await verifyContract(original)).toMatchObject({
      failure: undefined,
      expected: 1,
      compared: 1,
      stages: [{ stage: 'vector' }],
    })
  })

  test.each(mistakes)('%s: %s', async (name, stage, change) => {
    const dir = at(`changed ${name}`)
    cpSync(original, dir, { recursive: true })
    await change(dir)
    const { failure, expected, compared, stages } = await verifyContract(dir)
    expect(failure).toMatchObject({ stage, case: expect.stringMatching(/^item [01]$/) })
    expect(compared).toBe(expected)
    expect(stages.at(-1)?.stage).toBe('vector')
  })
})

test('a dual encoder is bisected too', async () => {
  const dir = await recorded(folders.tower, 'dual')
  expect((await verifyContract(dir)).failure).toBeUndefined()
  await editWeight(dir, 'text_model.final_layer_norm.weight')
  expect((await verifyContract(dir)).failure).toMatchObject({ stage: 'norm' })
})

describe('published cosines', () => {
  const base = join(goldenDir('qwen2-vl'), 'checkpoint')

  test('are compared, each candidate for itself', async () => {
    const report = await verifyPublished(base, 'vlm2vec-qwen2-vl', at('a.png'))
    expect(report).toMatchObject({ expected: 2, compared: 2, failure: { stage: 'cosine' } })
  })

  test('are not there for every preset', async () => {
    await expect(verifyPublished(base, 'gme', at('a.png'))).rejects.toMatchObject({
      code: 'embedder/no-published',
    })
  })
})
