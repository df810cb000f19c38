/** @file Which modules a setting names, in each part of a model. */

import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { goldenDir } from '../../../../test/golden.ts'
import { openSubject } from '../../../models/embedder/subject.ts'
import { tunableModel } from '../tunable.ts'
import {
  linearModules,
  savedParameters,
  targetedModules,
  unmatchedNames,
  wholeParameters,
} from './modules.ts'
import { trainSettings } from './settings.ts'

const open = async (name: string) =>
  tunableModel(await openSubject(join(goldenDir(name), 'checkpoint'), { threads: 1, preset: 'none' }))
const settings = (given: object) => trainSettings.parse(given)
/** The last parts of the targeted modules' names, each once. */
const endings = async (name: string, given: object) => {
  const { modules } = targetedModules(await open(name), settings(given))
  return [...new Set(modules.map(({ runtime }) => runtime.replace(/^.*\.(?=\D)/, '')))].sort()
}

test.each(['llava', 'qwen2-vl', 'qwen3-vl', 'idefics3', 'lavida-llada'])(
  '%s has the three parts, and its projector is between the others',
  async (name) => {
    const modules = linearModules(await open(name))
    const of = (part: string) => modules.filter((module) => module.part === part && !module.idle)
    expect(of('tower').length).toBeGreaterThan(3)
    expect(of('decoder').length).toBeGreaterThan(6)
    const projector = of('projector').map(({ name: module }) => module)
    expect(projector.length).toBeGreaterThan(0)
    for (const module of projector) expect(module).toMatch(/projector|merger|connector/)
  },
)

test('pictures that become codes have no part that is trained', async () => {
  const modules = linearModules(await open('mmada'))
  expect(new Set(modules.map(({ part }) => part))).toEqual(new Set(['decoder']))
})

describe('targets', () => {
  test('names and patterns that no path has are found, an expression in a list among them', async () => {
    const train = settings({
      targets: ['q_proj', '.*k_proj', 'c_attn'],
      exclude: ['fc1', 'fc9'],
      rankPattern: { '[qk]_proj': 2, 'w.': 3 },
    })
    expect(unmatchedNames(await open('llava'), train)).toEqual(['.*k_proj', 'c_attn', 'fc9', 'w.'])
  })

  test.each<[string, string, object, string[]]>([
    // LLaDA calls its layers otherwise: only three of the list are there, and the tower's own.
    ["VLM2Vec's list", 'lavida-llada', { targets: 'vlm2vec' }, ['k_proj', 'out_proj', 'q_proj', 'v_proj']],
    [
      "VLM2Vec's list",
      'qwen2-vl',
      { targets: 'vlm2vec' },
      ['down_proj', 'k_proj', 'o_proj', 'q_proj', 'v_proj'],
    ],
    ['a list', 'llava', { targets: ['fc1', 'q_proj'] }, ['fc1', 'q_proj']],
    ['an expression', 'llava', { targets: '.*language_model.*[kq]_proj' }, ['k_proj', 'q_proj']],
    [
      'a preset without a part',
      'llava',
      { exclude: ['down_proj', 'up_proj', 'o_proj'] },
      ['gate_proj', 'k_proj', 'q_proj', 'v_proj'],
    ],
    [
      'a preset without an expression',
      'llava',
      { exclude: '.*self_attn.*' },
      ['down_proj', 'gate_proj', 'up_proj'],
    ],
  ])('%s of %s', async (_, name, given, expected) => {
    expect(await endings(name, given)).toEqual(expected)
  })

  test('a module that is trained whole gets no update', async () => {
    const { modules } = targetedModules(
      await open('llava'),
      settings({ targets: 'decoder+projector', modulesToSave: ['multi_modal_projector'] }),
    )
    expect(modules.filter(({ part }) => part === 'projector')).toEqual([])
  })
})

describe('whole weights', () => {
  test('of a module: its weights and biases', async () => {
    const { name, model } = { name: 'llava', model: await open('llava') }
    const found = savedParameters(model, ['linear_2'])
    expect(
      found.map((slot) => slot.name),
      name,
    ).toEqual(['multi_modal_projector.linear_2.weight', 'multi_modal_projector.linear_2.bias'])
  })

  test('of a part: norms too, but not the embedding table, unless it is named', async () => {
    const model = await open('llava')
    const names = wholeParameters(model, settings({ method: 'all' })).map(({ name }) => name)
    expect(names).toContain('language_model.norm.weight')
    expect(names.every((name) => name.startsWith('language_model.'))).toBe(true)
    expect(names).not.toContain('language_model.embed_tokens.weight')
    const more = wholeParameters(model, settings({ method: 'all', modulesToSave: ['embed_tokens'] }))
    expect(more.map(({ name }) => name)).toContain('language_model.embed_tokens.weight')
  })

  test('of modules by their endings', async () => {
    const given = settings({ method: 'all', targets: ['post_attention_layernorm'] })
    const found = wholeParameters(await open('llava'), given)
    expect(found.length).toBeGreaterThan(0)
    for (const { name } of found) expect(name).toMatch(/post_attention_layernorm\.weight$/)
  })
})
