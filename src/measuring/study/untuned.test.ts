/**
 * @file Studies that tune nothing, and models that the embedder opens in other ways than by a plain
 * checkpoint folder.
 */

import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { goldenDir, hasGolden } from '../../../test/golden.ts'
import { writeRandomTwins } from '../../../test/random-twins.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { loadSafetensors, writeSafetensors } from '../../models/checkpoint/safetensors.ts'
import { writeContract } from '../../models/embedder/contract.ts'
import { openSubject } from '../../models/embedder/subject.ts'
import * as template from '../../models/embedder/template.ts'
import { parseResults, type Results } from '../report/results.ts'
import type { StudyOptions } from './options.ts'
import { runStudy } from './study.ts'

const LONG = 600_000

let dir = ''
let twins: Awaited<ReturnType<typeof writeRandomTwins>>
let options: Omit<StudyOptions, 'out' | 'models'>
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-untuned-'))
  twins = await writeRandomTwins(dir)
  const page = join(dir, 'page.html')
  writeFileSync(page, '<script>"__BIFOCAL_RESULTS__"</script>')
  options = {
    tasks: ['object-group', 'scene-what', 'cross-style'],
    limits: { train: 40, test: 8, candidates: 6 },
    pairs: 12,
    steps: 3,
    rank: 4,
    controls: false,
    seed: 3,
    page,
  }
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const out = (name: string) => join(dir, 'out', name)
const readBack = (name: string): Results =>
  parseResults(JSON.parse(readFileSync(join(out(name), 'results.json'), 'utf8')))

test(
  'a study scores the folder that it tuned itself, to the same figures',
  async () => {
    const first = await runStudy({ ...options, models: [twins.ar], out: out('tuned') })
    const folder = join(out('tuned'), 'models', 'twin-ar-tuned')
    const again = { ...options, models: [folder], tune: false as const, out: out('scored') }
    const { results } = await runStudy(again)
    expect(results.models.map(({ id, role, state }) => `${id} ${role} ${state}`)).toEqual([
      'twin-ar-tuned checkpoint none',
      'pixels pixels none',
      'twin-ar-tuned-shuffled shuffled none',
      'majority majority none',
      'chance chance none',
    ])
    const scoresOf = ({ scores }: Results) => scores.filter(({ model }) => model === 'twin-ar-tuned')
    expect(scoresOf(results)).toHaveLength(3)
    expect(scoresOf(readBack('scored'))).toEqual(scoresOf(readBack('tuned')))
    expect(results.finding.sentence).toContain('finds the right candidate first')
    // The report is for others too.
    expect(results.command).toContain('--models twin-ar-tuned')
    expect(results.command).toContain('--no-tune')
    expect(first.results.command).not.toContain(dir)
    await expect(runStudy({ ...again, tune: 'lora', out: out('again') })).rejects.toMatchObject({
      code: 'tuning/adapted',
      hint: expect.stringContaining('--no-tune'),
    })
  },
  LONG,
)

test(
  'three models as they are: the first compared with each other one, no tuning, no tuned folder',
  async () => {
    const third = join(dir, 'third')
    cpSync(twins.diffusion, third, { recursive: true })
    const models = [twins.ar, twins.diffusion, third]
    await runStudy({ ...options, models, tune: false, out: out('plain') })
    const results = readBack('plain')
    expect(results.models.filter(({ tuning }) => tuning !== undefined)).toEqual([])
    expect(results.differences[0]).toMatchObject({ a: 'twin-ar', b: 'twin-diffusion' })
    expect(results.finding.sentence).toMatch(/^In this run .* as they are, .*\. The .*third .*\)\.$/)
    expect(results.criteria.map(({ name }) => name).join()).not.toContain('Tuning')
    expect(existsSync(join(out('plain'), 'models'))).toBe(false)
  },
  LONG,
)

test(
  'a contract says how its model was pretrained, whatever its family',
  async () => {
    const folder = join(dir, 'other-objective')
    mkdirSync(folder)
    const { contract } = (await openSubject(twins.ar)).encoder
    await writeContract(folder, { ...contract, base: { path: '../twin-ar' }, objective: 'diffusion' })
    const small = { ...options, tasks: ['object-group'], models: [twins.ar, folder], tune: false as const }
    const { results } = await runStudy({ ...small, out: out('objective') })
    expect(results.models.slice(0, 2).map(({ id, objective }) => `${id} ${objective}`)).toEqual([
      'twin-ar autoregressive',
      'other-objective diffusion',
    ])
  },
  LONG,
)

test(
  'dual encoders alone are scored and analysed',
  async () => {
    const other = join(dir, 'other-tower')
    cpSync(twins.tower, other, { recursive: true })
    await runStudy({ ...options, models: [twins.tower, other], out: out('dual') })
    const results = readBack('dual')
    expect(results.scores.filter(({ model }) => model === 'tower')).toHaveLength(3)
    expect(results.finding.quantity).toMatch(/^Dual encoder − other-tower/)
    expect(results.finding.interval).toMatchObject({ value: 0 })
    expect(results.alignment.some(({ model, layer }) => model === 'tower' && layer === null)).toBe(true)
    expect(results.maps.map(({ model }) => model)).toEqual(['tower', 'other-tower'])
  },
  LONG,
)

test(
  'a layer named by the report is the one that embed reads',
  async () => {
    const results = readBack('plain')
    const layers = results.alignment.filter(
      ({ model, measure }) => model === 'twin-ar' && measure === 'modalityGap',
    )
    expect(layers.map(({ layer }) => layer)).toEqual(['inputs', 0, 1, null])
  },
  LONG,
)

test(
  'a model whose weights hold a NaN is refused, not scored',
  async () => {
    const folder = join(dir, 'damaged')
    cpSync(twins.ar, folder, { recursive: true })
    const file = join(folder, 'model.safetensors')
    const tensors = await loadSafetensors(file)
    const name = [...tensors.keys()].find((key) => key.endsWith('layers.0.mlp.up_proj.weight'))!
    const { dims, data } = toF32(tensors.get(name)!)
    data[0] = Number.NaN
    await writeSafetensors(file, { ...Object.fromEntries(tensors), [name]: f32(dims, data) })
    const study = { ...options, models: [folder], tune: false as const, out: out('damaged') }
    await expect(runStudy(study)).rejects.toMatchObject({ code: 'runtime/not-finite' })
    expect(existsSync(join(out('damaged'), 'results.json'))).toBe(false)
  },
  LONG,
)

test.skipIf(!hasGolden('qwen2-vl'))(
  'a checkpoint of a published name is scored with the prompt of its preset',
  async () => {
    const folder = join(dir, 'gme-Qwen2-VL-2B-Instruct')
    cpSync(join(goldenDir('qwen2-vl'), 'checkpoint'), folder, { recursive: true })
    const used = vi.spyOn(template, 'templatePrompt')
    const warnings: string[] = []
    const warn = (message: string) => void warnings.push(message)
    const small = { ...options, tasks: ['object-group'], limits: { train: 4, test: 3, candidates: 3 } }
    const { results } = await runStudy({ ...small, models: [folder], tune: false, out: out('gme'), warn })
    expect(warnings.join()).toContain('preset gme')
    expect(used.mock.results.map(({ value }) => JSON.stringify(value)).join()).toContain(
      '<|im_start|>assistant',
    )
    used.mockRestore()
    expect(results.models[0]).toMatchObject({ role: 'checkpoint', readout: 'last layer, last token' })
    expect(results.scores[0]).toMatchObject({ task: 'object-group' })
  },
  LONG,
)
