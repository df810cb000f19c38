/** @file Adapters matched with the weights of a model. */

import { describe, expect, test } from 'vitest'
import { baseOf, fresh, layers, small } from '../../../test/small-adapter.ts'
import { type Adapter, initialAdapter } from './adapter.ts'
import { bindAdapter } from './adapter-binding.ts'

describe('binding', () => {
  test.each<[string, Record<string, readonly number[]>, RegExp]>([
    [
      'a module that the base lacks',
      { 'model.layers.0.q_proj.weight': [4, 6] },
      /layers\.1\.q_proj\.weight is not in the base model/,
    ],
    [
      'other dims',
      { 'model.layers.0.q_proj.weight': [4, 6], 'model.layers.1.q_proj.weight': [6, 4] },
      /layers\.1\.q_proj\.weight is \[6,4\] in the base model, \[4,6\]/,
    ],
    ['another model', { 'transformer.h.0.attn.weight': [4, 6] }, /2? ?not in the base model/],
  ])('to %s is refused', (_, parameters, message) => {
    expect(() => bindAdapter(fresh(), baseOf(parameters))).toThrow(
      expect.objectContaining({ code: 'checkpoint/adapter-target', message: expect.stringMatching(message) }),
    )
  })

  test('tensors for layers that the files have and the model never runs are idle', () => {
    const parameters = { 'model.layers.0.q_proj.weight': [4, 6] }
    const inFile = { dims: [4, 6] }
    const base = {
      ...baseOf(parameters),
      tensors: new Map([
        ['layers.0.q_proj.weight', inFile],
        ['layers.1.q_proj.weight', inFile],
      ]),
    }
    const spellings = (name: string) => [name, name.replace(/^model\./, '')]
    const bound = bindAdapter(fresh(), { ...base, spellings })
    expect([...bound.linears.keys()]).toEqual(['model.layers.0.q_proj'])
    expect([...bound.idle.keys()]).toEqual(['model.layers.1.q_proj.weight'])
  })

  test('when the model uses nothing is refused', () => {
    const adapter = initialAdapter([{ module: 'lm_head', inFeatures: 6, outFeatures: 4 }], {
      rank: 2,
      alpha: 8,
      seed: 3,
    })
    expect(() => bindAdapter(adapter, small)).toThrow(
      expect.objectContaining({ code: 'checkpoint/adapter-target' }),
    )
  })

  test('names the modules that the config targets and no tensor is for', () => {
    const adapter = fresh()
    const modules = new Map([...adapter.modules].slice(0, 1))
    expect(bindAdapter({ ...adapter, modules }, small).untouched).toEqual(['model.layers.1.q_proj'])
  })
})

describe('names without the prefix of the model with its head', () => {
  const canonical = layers.map(({ module }) => module.replace('model.', 'language_model.'))
  const base = {
    ...baseOf(Object.fromEntries(canonical.map((module) => [`${module}.weight`, [4, 6]]))),
    // Qwen's: older files, and those of newer releases.
    spellings: (name: string) => [name.replace('language_model.', 'model.'), `model.${name}`],
    tensors: new Map(layers.map(({ module }) => [`${module}.weight`, { dims: [4, 6] }])),
  }
  const named = (prefix: string): Adapter => {
    const adapter = fresh()
    const renamed = [...adapter.modules].map(
      ([module, update]) => [module.replace('model.', prefix), update] as const,
    )
    return { ...adapter, config: { ...adapter.config, targets: ['q_proj'] }, modules: new Map(renamed) }
  }

  test.each(['language_model.', ''])(
    '%slayers…: each update is used, none is said to be absent',
    (prefix) => {
      const bound = bindAdapter(named(prefix), base)
      expect([...bound.linears.keys()]).toEqual(canonical)
      expect([bound.idle.size, bound.untouched.length]).toEqual([0, 0])
    },
  )

  test.each(['language_model.', ''])('%slayers…: a module without tensors is still named', (prefix) => {
    const adapter = named(prefix)
    const modules = new Map([...adapter.modules].slice(1))
    expect(bindAdapter({ ...adapter, modules }, base).untouched).toEqual([layers[0]!.module])
  })

  test('two spellings of one weight are refused: one of the updates would be lost', () => {
    const both = { ...named(''), modules: new Map([...named('model.').modules, ...named('').modules]) }
    expect(() => bindAdapter(both, base)).toThrow(
      expect.objectContaining({
        code: 'checkpoint/adapter-target',
        message: expect.stringContaining(
          'layers.0.q_proj.weight is a second update of language_model.layers.0',
        ),
      }),
    )
  })
})
